// Entry, run by mmdebstrap between the build and the clean-up: boots a machine with the tree, and takes the tree back from it.
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from '../../programs/run-program.ts'
import { stagingPath, stepMarker } from '../staging.ts'
import { findBootFiles } from './find-boot-files.ts'
import { type FirstBootMachine, runFirstBoot } from './first-boot-machine.ts'
import { firstBootUnit } from './first-boot-script.ts'
import { readTreeDisk, withoutMounts, writeTreeDisk } from './tree-disk.ts'

export type FirstBootTask = Omit<FirstBootMachine, 'kernelPath' | 'initrdPath' | 'diskPath'> & { workDirectory: string }

const [taskPath = '', root = ''] = process.argv.slice(2)
try {
  await bootTree(root, JSON.parse(await readFile(taskPath, 'utf8')) as FirstBootTask)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

async function bootTree(root: string, { workDirectory: work, ...task }: FirstBootTask): Promise<void> {
  beginStep('make a disk of the system for its first boot')
  const { kernelPath, initrdPath } = findBootFiles(root, await readdir(join(root, 'boot')).catch(() => []))
  // In the system's own root, so that no link in it leads out.
  const unit = ['install', '-m', '0644', `${stagingPath}/${firstBootUnit}`, `/etc/systemd/system/${firstBootUnit}`]
  await runProgram('chroot', [root, ...unit])
  const diskPath = join(work, 'first-boot.disk')
  try {
    await withoutMounts(root, work, (tree) => writeTreeDisk(tree, diskPath, work))
    beginStep('boot a machine with it')
    await runFirstBoot({ ...task, kernelPath, initrdPath, diskPath }, (line) => process.stdout.write(`${line}\n`))
    beginStep('take the system from the disk')
    await withoutMounts(root, work, (tree) => readTreeDisk(diskPath, tree, work))
  } finally {
    // It holds the secrets.
    await rm(diskPath, { force: true })
  }
}

function beginStep(step: string): void {
  process.stdout.write(`${stepMarker}${step}\n`)
}
