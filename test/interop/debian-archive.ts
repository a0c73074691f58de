import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { join } from 'node:path'

export type TestPackage = { name: string; version: string; depends?: string }

/** A small Debian archive, signed with a key of its own, as files that a web server may give out. */
export class DebianArchive {
  readonly directory: string
  readonly keyring: string
  readonly #gpgHome: string

  constructor(directory: string) {
    this.directory = directory
    this.#gpgHome = join(directory, 'gpg')
    this.keyring = join(directory, 'archive.gpg')
    fs.mkdirSync(this.#gpgHome, { recursive: true, mode: 0o700 })
    this.#gpg('--quick-generate-key', '--passphrase', '', 'archive@test.example', 'ed25519', 'sign', 'never')
    fs.writeFileSync(this.keyring, this.#gpg('--export'))
  }

  /** Makes a suite what it has now: packages of one small file each. */
  publish(suite: string, label: string, packages: readonly TestPackage[]): void {
    const pool = join(this.directory, 'pool', suite)
    const index = join(this.directory, 'dists', suite, 'main/binary-amd64')
    for (const directory of [pool, index]) fs.mkdirSync(directory, { recursive: true })
    const text = packages.map((one) => this.#stanza(one, pool, `pool/${suite}`)).join('\n')
    fs.writeFileSync(join(index, 'Packages'), text)
    const release = [
      ...[`Origin: Test`, `Label: ${label}`, `Suite: ${suite}`, `Codename: ${suite}`, 'Version: 1'],
      ...[`Date: ${new Date().toUTCString().replace('GMT', 'UTC')}`, 'Architectures: amd64', 'Components: main'],
      ...['SHA256:', ` ${sha256(text)} ${Buffer.byteLength(text)} main/binary-amd64/Packages`, ''],
    ]
    const place = join(this.directory, 'dists', suite)
    fs.writeFileSync(join(place, 'Release'), release.join('\n'))
    fs.writeFileSync(join(place, 'InRelease'), this.#gpg('--clearsign', '--output', '-', join(place, 'Release')))
  }

  #stanza({ name, version, depends }: TestPackage, pool: string, place: string): string {
    const root = join(pool, `${name}-${version}`)
    const file = `${name}_${version}_all.deb`
    fs.mkdirSync(join(root, 'DEBIAN'), { recursive: true })
    fs.mkdirSync(join(root, 'usr/share', name), { recursive: true })
    fs.writeFileSync(join(root, 'usr/share', name, 'version'), `${version}\n`)
    const control = `${[
      ...[`Package: ${name}`, `Version: ${version}`, 'Architecture: all', 'Maintainer: Test <test@test.example>'],
      ...(depends ? [`Depends: ${depends}`] : []),
      'Description: for a test',
    ].join('\n')}\n`
    fs.writeFileSync(join(root, 'DEBIAN/control'), control)
    execFileSync('dpkg-deb', ['--root-owner-group', '--build', root, join(pool, file)])
    const bytes = fs.readFileSync(join(pool, file))
    return `${control}Filename: ${place}/${file}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`
  }

  #gpg(...args: string[]): Buffer {
    return execFileSync('gpg', ['--homedir', this.#gpgHome, '--batch', '--quiet', ...args], { timeout: 60_000 })
  }
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
