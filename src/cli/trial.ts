import { Command, Option } from 'commander'
import { jsonOption } from './data-directory.ts'
import type { TrialOptions } from './rack/run-trial.ts'

export function trialCommand(): Command {
  return new Command('trial')
    .description('shows the whole thing with virtual machines: no hardware, no network of yours is touched')
    .option('--once', 'exit when the machine has logged in to its deployed system; not 0 when it does not get there')
    .addOption(new Option('--firmware <kind>', 'of the machine').choices(['bios', 'uefi']).default('uefi'))
    .addOption(jsonOption())
    .action(async (options: TrialOptions) => {
      const { runTrial } = await import('./rack/run-trial.ts') // with all it needs, which no other command does
      await runTrial(options)
    })
}
