/** What a JUnit report says, in short. */
export interface JUnitSummary {
  readonly tests: number;
  readonly failures: number;
  readonly skipped: number;
  /** `class name` of those that failed, the first ten. */
  readonly failing: readonly string[];
}

const namedFailures = 10;

/**
 * Counts the test cases of a JUnit file. The file comes from the release that is being judged, so it is scanned and never interpreted:
 * no entities, no references, and the counts come from the cases, not from what the head claims.
 */
export function readJUnit(xml: string): JUnitSummary {
  let tests = 0;
  let failures = 0;
  let skipped = 0;
  const failing: string[] = [];
  const text = xml.replaceAll(/<!\[CDATA\[[\s\S]*?\]\]>/g, '').replaceAll(/<!--[\s\S]*?-->/g, '');
  const parts = text.split(/<testcase\b/).slice(1);
  for (const part of parts) {
    tests += 1;
    const head = part.slice(0, part.indexOf('>') + 1);
    const body = head.endsWith('/>') ? '' : (part.split('</testcase>')[0] ?? '').slice(head.length);
    if (/<skipped\b/.test(body)) skipped += 1;
    if (!/<(failure|error)\b/.test(body)) continue;
    failures += 1;
    if (failing.length < namedFailures)
      failing.push(
        [attribute(head, 'classname'), attribute(head, 'name')]
          .filter((word) => word !== '')
          .join(' ')
          .slice(0, 200),
      );
  }
  return { tests, failures, skipped, failing };
}

function attribute(head: string, name: string): string {
  const found = new RegExp(`\\s${name}\\s*=\\s*("([^"]*)"|'([^']*)')`).exec(head);
  return found?.[2] ?? found?.[3] ?? '';
}
