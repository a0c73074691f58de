import { Command, CommanderError } from 'commander'
import { bootCommand } from './boot.ts'
import { cancelCommand } from './cancel.ts'
import { deployCommand } from './deploy.ts'
import { eventsCommand } from './events.ts'
import { explainCommand } from './explain.ts'
import { fileCommand } from './file.ts'
import { groupCommand } from './group.ts'
import { handOverCommand } from './hand-over.ts'
import { hookCommand } from './hook.ts'
import { imageCommand } from './image.ts'
import { importCommand } from './import.ts'
import { layoutCommand } from './layout.ts'
import { listenCommand } from './listen.ts'
import { machineCommand } from './machine.ts'
import { rackCommand } from './rack.ts'
import { ramdiskCommand } from './ramdisk.ts'
import { ramrootCommand } from './ramroot.ts'
import { rebootCommand } from './reboot.ts'
import { recipeCommand } from './recipe.ts'
import { rescueCommand } from './rescue.ts'
import { retryCommand } from './retry.ts'
import { rollbackCommand } from './rollback.ts'
import { runCommand } from './run.ts'
import { scheduleCommand } from './schedule.ts'
import { serveCommand } from './serve.ts'
import { sshCommand } from './ssh.ts'
import { statusCommand } from './status.ts'
import { trialCommand } from './trial.ts'
import { updateCommand } from './update.ts'
import { variableCommand } from './variable.ts'
import { watchCommand } from './watch.ts'
import { webhookCommand } from './webhook.ts'
import { releaseCommand, wipeCommand } from './wipe.ts'

/** 0 done · 1 failed · 2 the command line was wrong. */
const program = new Command('bootwright')
  .description('Takes machines from power-on to a running operating system, and keeps them there.')
  .version('0.1.0')
  .showHelpAfterError(`(run with --help for what there is)`)
  .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
  .exitOverride()
  // ssh passes on what stands behind the machine's name
  .enablePositionalOptions()

for (const command of [
  trialCommand(),
  serveCommand(),
  statusCommand(),
  explainCommand(),
  listenCommand(),
  importCommand(),
  imageCommand(),
  recipeCommand(),
  machineCommand(),
  deployCommand(),
  groupCommand(),
  handOverCommand(),
  hookCommand(),
  variableCommand(),
  fileCommand(),
  layoutCommand(),
  rollbackCommand(),
  wipeCommand(),
  releaseCommand(),
  runCommand(),
  rescueCommand(),
  bootCommand(),
  sshCommand(),
  rebootCommand(),
  cancelCommand(),
  ramrootCommand(),
  updateCommand(),
  scheduleCommand(),
  retryCommand(),
  watchCommand(),
  eventsCommand(),
  webhookCommand(),
  ramdiskCommand(),
  rackCommand(),
]) {
  program.addCommand(inherit(command, program))
}

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2
  } else {
    const failure = error as Error & { code?: string }
    process.stderr.write(`bootwright: ${failure.message}\n`)
    if (process.env.BOOTWRIGHT_DEBUG) process.stderr.write(`${failure.stack}\n`)
    process.exitCode = 1
  }
}

/** Also what stands below was made before it had anything to inherit. */
function inherit(command: Command, from: Command): Command {
  command.copyInheritedSettings(from)
  for (const below of command.commands) inherit(below, command)
  return command
}
