import { createHash } from 'node:crypto'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readAptOptions } from '../../src/build/mmdebstrap.ts'
import { runProgram } from '../../src/programs/run-program.ts'
import { defaultCacheDirectory } from '../../src/ramdisk/build-ramdisk.ts'

const mirror = 'http://deb.debian.org/debian'
const securityMirror = 'http://deb.debian.org/debian-security'
const suite = 'bookworm'
const deadlineMs = 3_600_000

/** Of the release as it was made, without the security updates that came later. */
const firstPackages = [
  ...['usr-is-merged', 'linux-image-cloud-amd64', 'initramfs-tools', 'zstd', 'systemd-sysv', 'udev', 'kmod', 'dbus'],
  ...['login', 'passwd', 'sudo', 'e2fsprogs', 'iproute2', 'openssh-server', 'ca-certificates', 'curl', 'less'],
  ...['perl', 'python3', 'rsync', 'tzdata', 'gpgv'],
]

const inside = 'chroot "$1" env DEBIAN_FRONTEND=noninteractive'
const apt = `${inside} apt-get -qy --no-install-recommends`
const upgrade = `${apt} install --only-upgrade`
const security = `deb ${securityMirror} ${suite}-security main`
/** Nothing that is installed is started: this machine's network is not the place for it. */
const startNothing = `printf '#!/bin/sh\\nexit 101\\n' > "$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d"`

/** What makes each version of the one before: what an operator does to an image in half a year. `$1` is its root. */
const steps = [
  `${apt} install vim-tiny tmux htop`,
  `echo "${security}" > "$1/etc/apt/sources.list.d/security.list" && ${apt} update && ${upgrade} libssl3 openssl libexpat1`,
  `${upgrade} linux-image-cloud-amd64`,
  `old=$(ls "$1/boot" | sed -n 's/^vmlinuz-/linux-image-/p' | sort -V | head -n 1) && ${apt} purge "$old"`,
  `${apt} install git`,
  `${upgrade} python3.11 perl perl-base`,
  `${upgrade} tzdata ca-certificates rsync && printf 'PermitRootLogin no\\n' > "$1/etc/ssh/sshd_config.d/site.conf"`,
  `${apt} install nginx-light`,
  `${apt} dist-upgrade && ${apt} purge htop && ${apt} autoremove`,
]

const outside = [
  'dev',
  'proc',
  'sys',
  'run',
  'tmp',
  'var/cache/apt',
  'var/lib/apt/lists',
  'var/log',
  'var/cache/ldconfig',
]

/** Versions of one Debian: what the first one has, and what makes each of the one before. */
type Series = { firstPackages: readonly string[]; steps: readonly string[] }

/** Ten successive versions of one Debian. Throws ProgramFailed. */
export function debianVersions(log: (line: string) => void): Promise<string[]> {
  return makeSeries({ firstPackages, steps }, log)
}

/** Two versions that differ in a security update of nginx. Throws ProgramFailed. */
export function nginxVersions(log: (line: string) => void): Promise<string[]> {
  const addSecurity = `echo "${security}" > "$1/etc/apt/sources.list.d/security.list" && ${apt} update`
  const upgraded = `${addSecurity} && ${upgrade} nginx nginx-common`
  return makeSeries({ firstPackages: [...firstPackages, 'nginx'], steps: [upgraded] }, log)
}

/** Each a tar with owners, attributes and times; made once, in some minutes, and kept in the cache by what they are made of. */
async function makeSeries(series: Series, log: (line: string) => void): Promise<string[]> {
  const hash = createHash('sha256')
    .update(JSON.stringify([mirror, suite, series.firstPackages, series.steps, outside]))
    .digest('hex')
  const directory = join(defaultCacheDirectory(), 'bench', `debian-versions-${hash.slice(0, 16)}`)
  const made = await readdir(directory).catch(() => [])
  if (made.length === 0) {
    log(`making ${series.steps.length + 1} versions of a Debian; this is done once`)
    const aside = `${directory}.${process.pid}`
    await mkdir(aside, { recursive: true })
    await makeVersions(aside, series)
    await rename(aside, directory)
  }
  const names = (await readdir(directory)).filter((name) => /^\d\d\.tar$/.test(name)).sort()
  if (names.length !== series.steps.length + 1) {
    await rm(directory, { recursive: true })
    throw new Error(
      `${directory} held ${names.length} of ${series.steps.length + 1} versions and was removed; start again`,
    )
  }
  return names.map((name) => join(directory, name))
}

async function makeVersions(directory: string, { firstPackages, steps }: Series): Promise<void> {
  const excludes = outside.map((name) => `--exclude="./${name}/*"`).join(' ')
  // mmdebstrap has /proc and /sys mounted meanwhile: that their directories changed (1) is no fault.
  const pack = (number: number) => {
    const file = join(directory, `${String(number).padStart(2, '0')}.tar`)
    const attributes = '--sort=name --numeric-owner --xattrs --xattrs-include="*" --one-file-system'
    return `tar -C "$1" ${attributes} ${excludes} -cf "${file}" . || [ $? = 1 ]`
  }
  const hooks = [startNothing, pack(1), ...steps.flatMap((step, at) => [step, `${apt} clean`, pack(at + 2)])]
  const aptOptions = await readAptOptions(30_000)
  await runProgram(
    'mmdebstrap',
    [
      '--mode=root',
      '--variant=minbase',
      '--format=null',
      '--hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr',
      ...aptOptions.map((option) => `--aptopt=${option}`),
      `--include=${firstPackages.join(',')}`,
      ...hooks.map((hook) => `--customize-hook=${hook}`),
      suite,
      '-',
      `deb ${mirror} ${suite} main`,
    ],
    { timeoutMs: deadlineMs },
  )
}
