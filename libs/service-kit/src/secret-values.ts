import type { Service } from '@slipway/contracts';
import type { z } from 'zod';
import { describeSettings } from './configuration.js';
import { type BaseConfig, baseSettings } from './settings.js';

/** The values that must never be logged: the secret settings as they are, and the passwords in those that are URLs. */
export function secretsOf(service: Service, settings: z.ZodType | undefined, config: BaseConfig): string[] {
  const known = [baseSettings(service), ...(settings ? [settings] : [])].flatMap((part) => describeSettings(part));
  const values = config as unknown as Record<string, unknown>;
  return known
    .filter((setting) => setting.secret)
    .flatMap((setting) => values[setting.name])
    .filter((value): value is string => typeof value === 'string')
    .flatMap((value) => [value, ...passwordIn(value)]);
}

function passwordIn(value: string): string[] {
  if (!URL.canParse(value)) return [];
  const { password } = new URL(value);
  return password ? [password, decodeURIComponent(password)] : [];
}
