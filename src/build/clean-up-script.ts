import { cleanUpLines } from './clean-up-lines.ts'
import { quoteShell } from './quote-shell.ts'
import type { ReadRecipe } from './read-recipe.ts'
import { cleanUpOf } from './recipe.ts'
import { baseSourcesPath, stagingPath, stepMarker } from './staging.ts'

/**
 * The last thing that runs inside the new system: takes away what belongs to the machine that built it, to this one
 * installation, or to chance. What mmdebstrap does itself (apt caches, /run, /tmp) is not repeated here.
 */
export function renderCleanUpScript({ recipe, files }: ReadRecipe): string {
  const own = new Set(files.map((file) => file.path))
  const lines = [
    `echo '${stepMarker}clean up'`,
    '# one installation, not the image: each machine makes its own',
    ...cleanUpOf(recipe).flatMap(cleanUpLines),
    'rm -f /etc/hostid /etc/lvm/devices/system.devices',
    '# the machine that built it: its mirror and its resolver (a package may have kept a copy of that)',
    'rm -f /etc/apt/sources.list /etc/apt/sources.list.d/0000*.list /etc/apt/apt.conf.d/99mmdebstrap',
    // A layer has its base's own sources, unless it says others.
    `if [ -d ${baseSourcesPath} ]; then`,
    ...(recipe.aptSources ? [] : [`  cp -a ${baseSourcesPath}/. /etc/apt/`]),
    `  rm -rf ${baseSourcesPath}`,
    // mmdebstrap makes these also for a base that knows no dpkg.
    '  if [ ! -s /var/lib/dpkg/status ] && [ ! -d /var/lib/dpkg/status.d ]; then',
    '    rm -rf /etc/apt /etc/dpkg /var/lib/dpkg /var/lib/apt /var/cache/apt /var/log/apt',
    '  fi',
    'fi',
    ...(recipe.aptSources ?? []).map((line) => `printf '%s\\n' ${quoteShell(line)} >> /etc/apt/sources.list`),
    ...(own.has('/etc/resolv.conf') ? [] : ['if [ ! -L /etc/resolv.conf ]; then rm -f /etc/resolv.conf; fi']),
    'rm -f /etc/.resolv.conf.systemd-resolved.bak /etc/resolv.conf.dpkg-*',
    'if [ -e /etc/dpkg/dpkg.cfg.d/99mmdebstrap ]; then',
    '  mv /etc/dpkg/dpkg.cfg.d/99mmdebstrap /etc/dpkg/dpkg.cfg.d/50bootwright-paths',
    'fi',
    '# traces of the making',
    'rm -f /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow- /etc/subuid- /etc/subgid- /etc/.pwd.lock',
    'rm -f /var/lib/dpkg/*-old /var/lib/dpkg/lock* /var/cache/debconf/*-old /var/lib/ucf/*.[0-9]',
    'rm -f /root/.wget-hsts',
    `rm -rf ${stagingPath}`,
  ]
  return `${lines.join('\n')}\n`
}
