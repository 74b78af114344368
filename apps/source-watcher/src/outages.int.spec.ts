import { CommitDetected, SourceFailed } from '@slipway/contracts';
import { eventually, TcpProxy } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Repository, Stage } from './a-stage.contract.js';

describe('when a part is away', () => {
  let stage: Stage;
  let repository: Repository;
  let postgres: { proxy: TcpProxy; through: string };

  beforeAll(async () => {
    stage = await Stage.set();
    await stage.listen();
    postgres = await TcpProxy.before(stage.database.url);
    await stage.start({ DATABASE_URL: postgres.through });
    repository = await stage.repository('shop');
    await repository.commit({ a: '1' });
    await repository.push();
    await stage.apply(stage.file('shop', { url: repository.url }));
    await stage.nth(CommitDetected, 'shop', 1);
  });
  afterAll(async () => {
    await stage.strike();
    await postgres.proxy.close();
  });

  it('finds what was pushed while Postgres was away, and blames no source for it', async () => {
    postgres.proxy.refuse();
    const before = postgres.proxy.refused;
    const revision = await repository.commit({ a: '2' });
    await repository.push();
    await eventually(() => postgres.proxy.refused > before + 3, { within: 20_000 });
    postgres.proxy.restore();
    expect((await stage.nth(CommitDetected, 'shop', 2)).release).toMatchObject({ revision, number: 2 });
    expect(stage.of(SourceFailed, 'shop')).toEqual([]);
  });

  it('goes on when the repository comes back', async () => {
    const away = stage.file('shop', { url: `git://127.0.0.1:1/shop.git` });
    await stage.apply(away, 2);
    expect(await stage.nth(SourceFailed, 'shop', 1)).toMatchObject({ reason: { code: 'unreachable' } });
    const revision = await repository.commit({ a: '3' });
    await repository.push();
    await stage.apply(stage.file('shop', { url: repository.url }), 3);
    expect((await stage.nth(CommitDetected, 'shop', 3)).release).toMatchObject({ revision, number: 3 });
  });
});
