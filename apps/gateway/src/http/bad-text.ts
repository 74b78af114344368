/** What Postgres cannot keep: NUL, and halves of surrogate pairs. Looks 20 levels deep, deeper than any schema of ours goes. */
export function holdsBadText(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed();
  if (typeof value !== 'object' || value === null || depth > 20) return false;
  return Object.entries(value).some(([key, each]) => holdsBadText(key, depth) || holdsBadText(each, depth + 1));
}
