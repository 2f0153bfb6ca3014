import type { Command } from 'commander'
import type { HubFlags } from './hub/options.ts'

const run = async (flags: HubFlags) => await (await import('./commands/hub.ts')).runHub(flags)

const examples = (...lines: string[]) => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`

/** `millrace hub` */
export function addHub(program: Command): void {
  program
    .command('hub')
    .description(
      "run a local stand-in for Azure IoT Hub, for Microsoft's SDKs and for this product, without an account",
    )
    .option('--data-dir <dir>', 'where devices, twins, events, keys and certificates are kept', './hub')
    .option('--host <address>', 'address to listen on; every door asks for tokens or certificates', '127.0.0.1')
    .option('--host-name <name...>', 'names that clients use besides localhost; part of the certificate')
    .option('--name <name>', 'of the hub and its Event-Hub-compatible endpoint (millrace)')
    .option('--mqtt-port <port>', 'MQTT on TLS, for devices', '8883')
    .option('--amqp-port <port>', 'AMQP in clear, for @azure/event-hubs', '5672')
    .option('--amqps-port <port>', 'AMQP on TLS, for azure-iothub', '5671')
    .option('--https-port <port>', 'REST and WebSockets (443, which SDKs call, where it may be opened; else 8443)')
    .option('--partitions <n>', 'of the built-in endpoint, 2 to 8, fixed with the data folder (4)')
    .option('--device <id...>', 'make these devices if they are not there, and print their connection strings')
    .option('--connections <dir>', 'write connection strings and the CA into files there (0600), and print none')
    .option('--event-hub <name...>', 'plain event hubs beside it, each as name or name:partitions')
    .option('--consumer-group <name...>', 'the only ones beside $Default (any name)')
    .option('--group-enrollment <key>', 'key of the group enrolment, in base64 (made at the first start)')
    .option('--throttle <n>', 'messages per second that devices may send, in all')
    .option('--quota <n>', '4 KB blocks that devices may send in a UTC day, in all')
    .option('--retention <span>', 'how long events are kept (1d)')
    .option('--max-bytes <size>', 'how large its file may grow (2GiB)')
    .addHelpText(
      'after',
      examples(
        'millrace hub --device pi-01',
        'millrace hub --device pi-01 pi-02 --partitions 2 --data-dir ./my-hub',
        'millrace hub --throttle 100 --quota 8000',
        'millrace hub --host 0.0.0.0 --host-name hub.lan --event-hub readings:4',
      ),
    )
    .action((flags: HubFlags) => run(flags))
}
