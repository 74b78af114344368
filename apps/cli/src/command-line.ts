import { inSeconds, Role, type RoleGrant } from '@slipway/contracts';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import type { ExitCode } from './exit.js';
import type { Session } from './session.js';

/** What a command does; without an exit code it went well. */
export type Act<Options, Args extends unknown[]> = (session: Session, options: Options, ...args: Args) => Promise<ExitCode> | Promise<void>;

/** Joins commands to the run they are part of. */
export interface Cli {
  readonly program: Command;
  /** Makes an action of what a command does: it gets its own options and its arguments in their order. */
  does<Options extends object, Args extends unknown[]>(act: Act<Options, Args>): (...given: unknown[]) => Promise<void>;
}

/** A group of commands: `slipway release …`. */
export function noun({ program }: Cli, name: string, summary: string, ...aliases: string[]): Command {
  return program
    .command(name)
    .description(summary)
    .aliases(aliases)
    .usage('<command>')
    .configureHelp({ showGlobalOptions: false })
    .helpCommand(false);
}

/** A command: `list [options]`, what it does, and examples, which come first in its help. */
export function verb(parent: Command, usage: string, summary: string, examples: readonly string[]): Command {
  return parent
    .command(usage)
    .configureHelp({ showGlobalOptions: true })
    .description(summary)
    .addHelpText('before', `Examples:\n${examples.map((each) => `  $ slipway ${each}`).join('\n')}\n`);
}

/** `--reason`, which every command on record needs. */
export const reasonOption = (): Option => new Option('-r, --reason <text>', 'why; it becomes part of the record').makeOptionMandatory();
/** `--yes`, for scripts. */
export const yesOption = (): Option => new Option('-y, --yes', 'do not ask');
/** `--wait`, for what a service answers in its own time. */
export const waitOption = (): Option =>
  new Option('--wait <duration>', 'how long to wait for the answer').argParser(seconds).default(30, '30s');

/** A whole number between two others. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`write a whole number from ${least} to ${most}.`);
    return value;
  };
}

/** `90s`, `10m`, `2h` or `7d`, as seconds. */
export function seconds(text: string): number {
  if (!/^\d+(ms|s|m|h|d)$/.test(text)) throw new InvalidArgumentError('write a whole number and a unit, like 30s, 10m, 2h or 7d.');
  return inSeconds(text);
}

/** A moment: RFC 3339 in UTC, or a duration from now. */
export function moment(text: string): { in: number } | { at: string } {
  if (/^\d+(ms|s|m|h|d)$/.test(text)) return { in: inSeconds(text) };
  const at = z.iso.datetime({ offset: true }).safeParse(text);
  if (!at.success) throw new InvalidArgumentError('write a duration like 2h, or a time like 2026-11-23T18:00:00Z.');
  return { at: new Date(at.data).toISOString() };
}

/** A role, in all projects or in one: `tester`, `tester@shop`. May be given several times. */
export function roleGrants(text: string, before: RoleGrant[] = []): RoleGrant[] {
  const [role, project = '*'] = text.split('@');
  const known = Role.safeParse(role);
  if (!known.success)
    throw new InvalidArgumentError(`write one of ${Role.options.join(', ')}, with @project for one project only, like tester@shop.`);
  return [...before, { role: known.data, project }];
}

/** An option that may be given several times. */
export function several(text: string, before: string[] = []): string[] {
  return [...before, text];
}
