import { CommandAction, permissionFor } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { CommandAnswer } from './commands.js';
import type { Route } from './route.js';
import { routes } from './routes.js';

const all = Object.entries(routes) as [string, Route][];

describe('the routes that give commands', () => {
  it.each(all.filter(([, { answer }]) => answer === CommandAnswer))('%s asks for what its command takes', (_, { command, permission }) => {
    expect(command).not.toBeNull();
    expect(permission).toBe(command && permissionFor[command]);
  });

  it('are one for each command', () => {
    const kinds = CommandAction.options.map(({ shape }) => shape.kind.value);
    expect(all.flatMap(([, { command }]) => command ?? []).sort()).toEqual(kinds.sort());
  });
});
