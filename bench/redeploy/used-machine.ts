import { randomUUID } from 'node:crypto'
import { writeIdentity } from '../../src/agent/identity/write-identity.ts'
import { parseMac } from '../../src/bytes/mac.ts'
import { runPipeline } from '../peer.ts'

const deadlineMs = 300_000

/** What the agent's step identity does to a tree that it has written. */
export async function giveIdentity(directory: string): Promise<void> {
  const uuid = randomUUID()
  const root = { device: '/dev/sda3', number: 3, partitionGuid: uuid, type: 'ext4', uuid, content: 'made' } as const
  const facts = {
    machineName: 'bench-1',
    bootMac: parseMac('52:54:00:00:00:01'),
    firmware: 'bios' as const,
    filesystems: { root: { ...root, state: 'mounted' as const, keptPaths: [] }, others: [] },
    server: 'http://10.0.0.1:4280',
    proofToken: `${randomUUID()}.proof`,
  }
  await writeIdentity(directory, facts, new AbortController().signal)
}

/**
 * What a boot and some light use leave behind, by the image's own programs in a chroot: booting an emulated machine would
 * take minutes a round. Logs and a journal of some megabytes, caches, a password, a crontab, a site of nginx.
 */
const use = [
  'systemd-machine-id-setup 2>/dev/null; systemd-tmpfiles --create 2>/dev/null; ldconfig; systemd-hwdb update',
  'mkdir -p /var/log/journal/m && head -c 8000000 /dev/urandom | base64 >/var/log/journal/m/system.journal',
  'seq 40000 | sed "s/^/10.0.0.1 GET \\/index.html /" >/var/log/nginx/access.log; echo started >/var/log/nginx/error.log',
  'echo "operator:changed" | chpasswd 2>/dev/null; echo "root:changed" | chpasswd; useradd -m somebody',
  'echo "17 * * * * true" | tee /etc/cron.d/site; echo "alias ll=\'ls -l\'" >>/root/.bashrc; echo ls >/root/.bash_history',
  'echo "server { listen 8080; }" >/etc/nginx/conf.d/site.conf; sed -i s/Welcome/Hello/ /var/www/html/*.html',
  'touch /var/lib/systemd/random-seed /var/log/wtmp /var/log/btmp /var/log/lastlog; echo 10.0.0.2 peer >>/etc/hosts',
  'python3 -m compileall -q /usr/lib/python3/dist-packages; mkdir -p /home/somebody/work; cp /bin/bash /home/somebody/work',
]

export async function useLightly(directory: string): Promise<void> {
  for (const command of use) {
    await runPipeline('chroot "$1" sh -c "$2" >/dev/null || true', [directory, command], deadlineMs)
  }
}
