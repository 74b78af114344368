/** What all of them give, when all have come to an end. Throws what one of them threw: where one may still be under way, that. */
export async function together<T>(calls: readonly Promise<T>[]): Promise<T[]> {
  const ends = await Promise.allSettled(calls);
  const thrown = ends.flatMap((end): unknown[] => (end.status === 'rejected' ? [end.reason] : []));
  if (thrown.length > 0) throw thrown.find((error) => !isOver(error)) ?? thrown[0];
  return ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
}

function isOver(error: unknown): boolean {
  return error instanceof Error && 'isOver' in error && error.isOver === true;
}
