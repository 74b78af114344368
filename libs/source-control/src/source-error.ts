/** Why a source could not be read, in a code that programs and translations know. */
export type SourceErrorReason =
  | 'gone'
  | 'empty'
  | 'no-match'
  | 'authentication'
  | 'timeout'
  | 'unreachable'
  | 'refused-url'
  | 'refused-ref'
  | 'refused-submodule'
  | 'not-a-repository'
  | 'host-key-changed'
  | 'certificate'
  | 'too-large'
  | 'unknown-revision'
  | 'needs-git-lfs'
  | 'missing-lfs-file'
  | 'damaged'
  | 'cancelled'
  | 'errored';

/** Reasons that pass without anybody changing the source or its settings. */
const passing: readonly SourceErrorReason[] = ['timeout', 'unreachable', 'damaged', 'cancelled', 'errored'];

/** What every adapter throws. The message is fit for people and holds no secret. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly reason: SourceErrorReason;

  constructor(reason: SourceErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }

  /** True when trying again later may help by itself. */
  get passes(): boolean {
    return passing.includes(this.reason);
  }
}

const userinfo = /([a-z][a-z0-9+.-]*:\/\/)[^\s/@']*@/gi;
// Other terminals' escape sequences and controls have no place in a message people read.
// biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what is looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** What a program printed, fit for a message: no credentials in urls, no controls, at most 500 characters. */
export function presentable(text: string): string {
  return text.replace(userinfo, '$1').replace(controls, ' ').trim().slice(-500);
}
