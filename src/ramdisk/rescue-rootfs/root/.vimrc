set nocompatible ruler
