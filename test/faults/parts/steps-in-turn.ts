/**
 * Takes one step after the other: one fault may end a part while another still waits for it to come back, which would then seem to have failed, or be started
 * twice.
 */
export function stepsInTurn(): <T>(step: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (step) => {
    const mine = last.then(step);
    last = mine.catch(() => undefined);
    return mine;
  };
}
