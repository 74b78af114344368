import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { Chance, Fault, FaultKind } from './fault.js';

/** A fault and its time. */
export interface Planned {
  /** Seconds after the start at which it begins. */
  readonly at: number;
  /** How long it lasts. */
  readonly seconds: number;
  readonly kind: FaultKind;
  readonly fault: Fault;
}

/** How dense faults are. Seconds, but for the count. */
export const bounds = {
  /** Before the first fault: releases get on their way. */
  calm: 15,
  /** Between the beginnings of two faults. */
  between: { least: 2, most: 10 },
  /** At most so many faults at once. */
  atOnce: 2,
  /** This often at least … */
  quietEvery: 90,
  /** … nothing is amiss for so long, and releases get on. */
  quietFor: 15,
} as const;

/** So long a plan has every kind in it that weighs one or more. */
export const wholeMinutes = 30;

/** Chance by a seed: the same seed gives the same answers, in the order they are asked for. */
export function chanceOf(seed: number): Chance & { shuffled<T>(cards: readonly T[]): T[] } {
  const generator = xoroshiro128plus(seed);
  const whole = (least: number, most: number): number => uniformInt(generator, least, most);
  return {
    whole,
    shuffled: (cards) => {
      const left = [...cards];
      return cards.map(() => left.splice(whole(0, left.length - 1), 1)[0] as (typeof cards)[number]);
    },
    one: (of) => {
      if (of.length === 0) throw new Error('there is nothing to choose from');
      return of[whole(0, of.length - 1)] as (typeof of)[number];
    },
  };
}

/**
 * Every fault of a run, by its seed. Kinds are dealt like cards, each as often as it weighs, so that none is left out for long; a kind that may not overlap
 * with what is going on waits for its turn.
 */
export function planOf(seed: number, minutes: number, kinds: readonly FaultKind[]): Planned[] {
  const chance = chanceOf(seed);
  const end = minutes * 60;
  const planned: Planned[] = [];
  let deck: FaultKind[] = [];
  let quietUntil = bounds.calm;
  for (let at: number = bounds.calm; at < end; at += chance.whole(bounds.between.least, bounds.between.most)) {
    if (at - quietUntil >= bounds.quietEvery) {
      quietUntil = Math.max(...planned.map(endOf), at) + bounds.quietFor;
      at = quietUntil;
    }
    const active = planned.filter((each) => endOf(each) > at);
    if (active.length >= bounds.atOnce) continue;
    if (deck.length === 0) deck = chance.shuffled(deckOf(kinds, chance));
    const index = deck.findIndex((kind) => active.every((other) => mayOverlap(kind, other.kind)));
    if (index < 0) continue;
    const [kind] = deck.splice(index, 1) as [FaultKind];
    const seconds = chance.whole(kind.lasts.least, kind.lasts.most);
    // Drawn all the same: what comes before the end of a longer run is the same as in a shorter one.
    const fault = kind.make(chance, seconds);
    if (at + seconds <= end) planned.push({ at, seconds, kind, fault });
  }
  return planned;
}

/** Seconds after the start; what is over at once still takes its moment. */
export function endOf({ at, seconds }: Pick<Planned, 'at' | 'seconds'>): number {
  return at + Math.max(seconds, 1);
}

export function mayOverlap(one: FaultKind, other: FaultKind): boolean {
  return one.overlaps.includes(other.part) && other.overlaps.includes(one.part);
}

/** A kind that weighs 0.3 is in three decks of ten. */
function deckOf(kinds: readonly FaultKind[], chance: Chance): FaultKind[] {
  return kinds.flatMap((kind) => {
    const { weight = 1 } = kind;
    const share = weight % 1;
    const more = share > 0 && chance.whole(1, 100) <= share * 100 ? 1 : 0;
    return Array.from({ length: Math.floor(weight) + more }, () => kind);
  });
}
