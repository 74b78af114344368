import { Argument, type Command } from 'commander';
import type { Cli } from '../command-line.js';
import { verb } from '../command-line.js';
import type { Session } from '../session.js';

/** `slipway completion bash|zsh|fish`. */
export function completionCommand(cli: Cli): void {
  verb(cli.program, 'completion', 'Completion of commands and options for a shell', [
    'completion bash > /etc/bash_completion.d/slipway',
    'completion zsh > ~/.zfunc/_slipway',
    'completion fish > ~/.config/fish/completions/slipway.fish',
  ])
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action(
      cli.does(async (session: Session, _: object, shell: 'bash' | 'zsh' | 'fish') => session.out.raw(scripts[shell](words(cli.program)))),
    );
}

/** What may follow each command: its sub-commands and options. */
type Words = readonly { readonly path: string; readonly next: readonly string[] }[];

function words(command: Command, path = ''): Words {
  const next = [
    ...command.commands.map((each) => each.name()),
    ...command.options.flatMap((each) => [each.short, each.long]).filter((each) => each !== undefined),
  ];
  return [{ path, next: [...next, '--help'] }, ...command.commands.flatMap((each) => words(each, `${path} ${each.name()}`.trim()))];
}

const cases = (all: Words): string => all.map(({ path, next }) => `    "${path}") next="${next.join(' ')}" ;;`).join('\n');

const lookUp = (all: Words): string => `  local path="" word next=""
  for word in "\${before[@]}"; do
    case "$word" in -*) ;; *) case "$nouns" in *"| $path\${path:+ }$word |"*) path="$path\${path:+ }$word" ;; esac ;; esac
  done
  case "$path" in
${cases(all)}
  esac`;

const nouns = (all: Words): string =>
  all
    .map(({ path }) => path)
    .filter(Boolean)
    .join(' | ');

const scripts: Record<'bash' | 'zsh' | 'fish', (all: Words) => string> = {
  bash: (all) => `_slipway() {
  local nouns=" | ${nouns(all)} | " before=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
${lookUp(all)}
  COMPREPLY=($(compgen -o default -W "$next" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _slipway slipway
`,
  zsh: (all) => `#compdef slipway
_slipway() {
  local nouns=" | ${nouns(all)} | "
  local -a before; before=("\${(@)words[2,CURRENT-1]}")
${lookUp(all)}
  compadd -- \${=next}
  _files
}
compdef _slipway slipway
`,
  fish: (all) =>
    `${all
      .flatMap(({ path, next }) => {
        const seen =
          path === ''
            ? '__fish_use_subcommand'
            : path
                .split(' ')
                .map((word) => `__fish_seen_subcommand_from ${word}`)
                .join('; and ');
        return next.map((word) =>
          word.startsWith('-')
            ? `complete -c slipway -n '${seen}' ${word.startsWith('--') ? '-l' : '-s'} ${word.replace(/^-+/, '')}`
            : `complete -c slipway -f -n '${seen}' -a ${word}`,
        );
      })
      .join('\n')}\n`,
};
