import assert from 'node:assert/strict'
import test from 'node:test'
import { mmdebstrapArguments } from './mmdebstrap.ts'

test('mmdebstrapArguments() carry the recipe, and no mirror and no password', () => {
  const recipe = {
    name: 'x',
    source: { kind: 'mmdebstrap' as const, suite: 'host', variant: 'minbase' as const },
    packages: ['less', 'nano=7.2-1'],
    excludePaths: ['/usr/share/man/*'],
    includePaths: ['/usr/share/man/man1/*'],
  }
  const inputs = { mode: 'unshare' as const, recipe, architecture: 'amd64', suite: 'bookworm' }
  const paths = {
    ...{ stagingDirectory: '/cache/build-1/staging', checkScriptPath: '/cache/build-1/check.sh' },
    ...{ tarPath: '/cache/build-1/root.tar', needsPackages: true },
  }
  assert.deepEqual(mmdebstrapArguments({ ...inputs, ...paths, aptOptions: ['Acquire::Languages "none";'] }), [
    '--mode=unshare',
    '--variant=minbase',
    '--architectures=amd64',
    '--format=tar',
    '--verbose',
    '--hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr',
    '--dpkgopt=path-exclude=/usr/share/man/*',
    '--dpkgopt=path-include=/usr/share/man/man1/*',
    '--aptopt=Acquire::Languages "none";',
    '--include=less,nano=7.2-1',
    '--customize-hook=mkdir -m 0700 "$1/bootwright-build"',
    '--customize-hook=sync-in "/cache/build-1/staging" /bootwright-build',
    '--customize-hook=chroot "$1" sh -eu /bootwright-build/customize.sh',
    '--customize-hook=chroot "$1" sh -eu /bootwright-build/finish.sh',
    '--customize-hook=chroot "$1" sh -eu /bootwright-build/clean-up.sh',
    'bookworm',
    '/cache/build-1/root.tar',
    '-',
  ])
})

test('mmdebstrapArguments() of a layer unpacks its base, installs nothing by itself, checks from outside', () => {
  const recipe = {
    name: 'layer',
    source: { kind: 'image' as const, image: 'base' },
    packages: ['less'],
    checks: ['true'],
  }
  const args = mmdebstrapArguments({
    ...{ mode: 'root', recipe, architecture: 'amd64', suite: '', aptOptions: [], needsPackages: false },
    ...{
      stagingDirectory: '/w/staging',
      checkScriptPath: '/w/check.sh',
      tarPath: '/w/root.tar',
      base: { tarPath: '/w/base.tar', hasDpkg: true },
    },
    shellOnError: '/dev/pts/3',
  })
  assert.ok(args.includes('--variant=custom') && args.includes('--skip=update'))
  assert.ok(args.includes('--setup-hook=tar-in "/w/base.tar" /'))
  assert.ok(!args.some((argument) => argument.startsWith('--include')))
  assert.ok(args.includes('--customize-hook=chroot "$1" sh -eu < "/w/check.sh"'))
  const customize = args.find((argument) => argument.includes('customize.sh'))
  assert.match(customize ?? '', /customize\.sh \|\| \{ .*chroot "\$1" sh -i < \/dev\/pts\/3 .*; exit 1; \}$/)
})
