/** The whole number that was said for an option of a tier. @throws Error naming the option and what it takes. */
export function wholeNumber(option: string, said: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = said.trim() === '' ? Number.NaN : Number(said);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `, ${least} or more` : ` from ${least} to ${most}`;
  throw new Error(`--${option} is a whole number${range}, not ${said}`);
}
