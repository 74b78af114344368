import { type Service, services } from '@slipway/contracts';
import { baseSettings, describeSettings, type Setting } from '@slipway/service-kit';
import { asyncApi } from './asyncapi.ts';
import { flowPage, hearersOf } from './flow.ts';
import type { House } from './house.ts';
import { printed, schemaFiles } from './schemas.ts';

const notEdited = 'not to be edited.';

/** Every generated file of docs/, by its path from the root. */
export function generatedPages(house: House): Map<string, string> {
  return new Map([
    ['docs/flow.md', flowPage(house)],
    ['docs/events.md', eventsPage(house)],
    ['docs/configuration.md', configurationPage(house)],
    ['docs/asyncapi.json', printed(asyncApi(house))],
    ...schemaFiles(house),
  ]);
}

function eventsPage(house: House): string {
  const rows = house.events.map(({ event, file, meaning }) => {
    const topic = event.topic === 'home' ? "its writer's" : event.topic;
    const actors = event.actedOnBy.join(', ') || '–';
    const hearers = hearersOf(event, house).join(', ') || '–';
    const name = `[${event.name}](../${file}) [v${event.version}](schemas/${event.name}.v${event.version}.json)`;
    return `| ${name} | ${escaped(meaning)} | ${event.writer} | ${topic} | ${event.about} | ${actors} | ${hearers} |`;
  });
  return [
    '# Every event',
    '',
    `Made from libs/contracts and the subscription tables by \`node tools/docs/generate.ts --write\`; ${notEdited}`,
    'Wire format, signatures and topics are in [asyncapi.json](asyncapi.json). "Owed by" are the services that must answer: the event is said again until they have.',
    '',
    '| event | what it says | writer | topic | key | owed by | heard by |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function configurationPage(house: House): string {
  const own = [...house.settings]
    .map(([service, settings]) => [service, describeSettings(settings)] as const)
    .filter(([, settings]) => settings.length > 0);
  return [
    '# Every setting',
    '',
    `Made from the services' own schemas by \`node tools/docs/generate.ts --write\`; ${notEdited}`,
    'All settings are environment variables. A service checks them at start and names every one that is wrong. An empty one counts as not set.',
    'A secret one may instead be read from a file: `<NAME>_FILE` names it. `{service}` in a value stands for the name of the service.',
    '',
    '## Every service',
    '',
    ...table(
      describeSettings(baseSettings('gateway')).map((setting) => (setting.name === 'PORT' ? { ...setting, help: portHelp() } : setting)),
    ),
    ...own.flatMap(([service, settings]) => ['', `## ${service}`, '', ...table(settings)]),
    '',
  ].join('\n');
}

function portHelp(): string {
  const ports = services.map((service: Service) => `${service} ${/Default: (\d+)/.exec(helpOfPort(service))?.[1]}`);
  return `Port to listen on; 0 takes a free one. Default: ${ports.join(', ')}; further replicas take a free one`;
}

function helpOfPort(service: Service): string {
  return describeSettings(baseSettings(service)).find((setting) => setting.name === 'PORT')?.help ?? '';
}

function table(settings: readonly Setting[]): string[] {
  const row = ({ name, help, required, secret, example, ...rest }: Setting) => {
    const given = rest.default === '' ? 'empty' : rest.default !== undefined ? `\`${rest.default}\`` : required ? '**required**' : '–';
    const notes = [example && `example \`${example}\``, secret && 'secret'].filter(Boolean).join('; ');
    return `| \`${name}\` | ${escaped(help)} | ${given} | ${notes} |`;
  };
  return ['| variable | what for | default | |', '| --- | --- | --- | --- |', ...settings.map(row)];
}

/** Text within a table of Markdown. */
function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
