import { aTargetFile } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { placeOf } from './place.js';

const { docker } = aTargetFile().spec;
const moved = aTargetFile({ spec: { docker: { host: 'tcp://10.0.0.7:2376' } } });
const signed = { name: 'lab', version: 2, namespace: 'default', port: null, docker };

describe('where a deployment goes', () => {
  it('is where it was signed for, whatever is applied, or was never heard of', () => {
    const place = { name: 'lab', docker };
    expect(placeOf(signed, { version: 2, file: aTargetFile() })).toEqual({ place, newer: null });
    expect(placeOf(signed, { version: 1, file: moved })).toEqual({ place, newer: null });
    expect(placeOf(signed, undefined)).toEqual({ place, newer: null });
    expect(placeOf(signed, { version: 3, file: moved })).toEqual({ place, newer: expect.stringContaining('lab is at version 3') });
  });

  it('is nowhere once the target was removed, but not while its return is only still to be heard', () => {
    expect(placeOf(signed, { version: 3, file: null })).toEqual({ waitsFor: 'target lab was removed' });
    expect(placeOf(signed, { version: 1, file: null })).toMatchObject({ place: { docker } });
  });

  it('is found by the version that was signed where the deployment does not say, and is never another version’s', () => {
    const { docker: _, ...old } = signed;
    expect(placeOf(old, { version: 2, file: moved })).toMatchObject({ place: { docker: moved.spec.docker } });
    expect(placeOf(old, { version: 3, file: moved })).toEqual({ waitsFor: expect.stringContaining('nobody has signed for version 3') });
    expect(placeOf(old, { version: 1, file: moved })).toEqual({ waitsFor: 'version 2 of target lab is not known here' });
  });
});
