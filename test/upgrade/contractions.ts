/** Something that a version before read or wrote and that is taken away, and the first commit whose services need it no more. */
export interface Contraction {
  /** Of tables and views `service/Migration`; of rows kept as JSON `service/table`; of events and files `contracts/event`. */
  readonly where: string;
  /** Of migrations as the test says it. */
  readonly what: string;
  readonly neededUntil: string;
}

/** To be looked through whenever yesterday is another commit: `node test/upgrade/pin.ts` says which of them nobody needs any more. */
export const contracted: readonly Contraction[] = [
  {
    where: 'production-rollout/environment',
    what: 'of what was good there only the newest two are kept whole (keptWhole in domain/environment.ts): the version before goes back no further',
    neededUntil: 'cbfddca4e8ab91362aa184c6f834322026de2adf',
  },
  {
    where: 'contracts/project.applied',
    what: 'times no timer can count, less than 6Mi of memory, less than a hundredth of a processor, a project called installation: none of them did what it says',
    neededUntil: '3adcf46fc20cdab563eed3af8631b4539e84dba8',
  },
];
