import { describe, expect, it } from 'vitest';
import { deployAgain } from './deploy-again.js';
import { foldRelease } from './release-state.js';
import { ada, aRelease, asReference, file, image, mei, omar, people, story, time, uuid } from './story.example.js';
import { type Around, waitingFor } from './waiting-for.js';

const release = aRelease();
const around: Around = { file, people, now: time(1000) };
type Tale = ReturnType<typeof story>;

function waits(tell: (tale: Tale) => void, change: Partial<Around> = {}, id = release.id) {
  const tale = story();
  tell(tale);
  const state = foldRelease(id, tale.told);
  if (!state) throw new Error('the story does not name the release');
  return waitingFor(state, { ...around, ...change });
}
const brief = (...of: Parameters<typeof waits>) =>
  waits(...of).map(({ code, environment }) => (environment ? `${code} ${environment}` : code));
const tested = (tale: Tale) => {
  tale.born();
  tale.built();
  tale.tested();
};
const live = (tale: Tale, environment: 'pre-release' | 'production') => {
  tale.asked(environment);
  tale.granted(environment);
  tale.rolledOut(environment);
};

describe('what a release waits for', () => {
  it('is its build, then its turn in the test environment', () => {
    expect(brief((tale) => tale.born())).toEqual(['build-queue']);
    expect(brief((tale) => tale.say('build.started', { release, attempt: 1, backend: 'docker' }))).toEqual(['build']);
    expect(
      brief((tale) => {
        tale.born();
        tale.built();
      }),
    ).toEqual(['deployment test']);
  });

  it('is the tester who holds the environment', () => {
    const held = [{ environment: 'test', by: asReference(mei), until: null }];
    expect(
      waits(
        (tale) => {
          tale.born();
          tale.built();
        },
        { held },
      ),
    ).toMatchObject([{ code: 'held', people: [asReference(mei)], text: { en: 'Mei to let go of test', zh: '等待 Mei 释放 test' } }]);
  });

  it('is people, by role, with who could', () => {
    expect(brief(tested)).toEqual(['request pre-release']);
    const asked = (tale: Tale) => {
      tested(tale);
      tale.asked('pre-release');
    };
    expect(waits(asked)).toMatchObject([
      {
        code: 'sign-off',
        environment: 'pre-release',
        role: 'tester',
        count: 1,
        people: [asReference(mei)],
        text: { en: '1 more tester to sign off for pre-release', zh: 'pre-release：还需 1 名测试人员签核' },
      },
      { code: 'sign-off', role: 'operator', people: [asReference(omar)] },
    ]);
    expect(
      brief((tale) => {
        asked(tale);
        tale.signed(mei, 'pre-release');
      }),
    ).toEqual(['sign-off pre-release']);
    expect(
      brief((tale) => {
        asked(tale);
        tale.signed(mei, 'pre-release');
        tale.signed(omar, 'pre-release');
      }),
    ).toEqual(['grant pre-release']);
  });

  it('says that nobody eligible is left when everybody made the change', () => {
    const involved = [ada, omar].map(asReference);
    expect(
      waits((tale) => {
        tested(tale);
        tale.asked('pre-release', { involved });
        tale.signed(mei, 'pre-release');
      }),
    ).toMatchObject([{ code: 'nobody-eligible', role: 'operator', people: [] }]);
  });

  it('is time, until it has passed, and says what is newer', () => {
    const asked = (tale: Tale) => {
      tested(tale);
      tale.asked('pre-release', { require: [], soakUntil: time(2000), newerAvailable: 43 });
    };
    expect(waits(asked)).toMatchObject([{ code: 'soak', until: time(2000) }, { code: 'newer-release' }]);
    expect(brief(asked, { now: time(2001) })).toEqual(['grant pre-release', 'newer-release pre-release']);
  });

  it('is a look at it while another release, or none, runs in test, and says how to have it back there', () => {
    const back = deployAgain(release, 'test');
    const asked = (inTest: Parameters<Tale['asked']>[1]) => (tale: Tale) => {
      tested(tale);
      tale.asked('pre-release', { require: [{ role: 'tester', count: 1 }], deployAgain: back, ...inTest });
    };
    const runs = waits(asked({ inTest: { environment: 'test', address: '', release: aRelease(43), image } }));
    expect(runs.map(({ code }) => code)).toEqual(['sign-off', 'other-in-test']);
    expect(runs[1]?.text.en).toBe(
      'a look at it: release 43 runs in test now; to have it back there: slipway environment deploy shop test --release shop/42 --reason "look at it again"',
    );
    expect(waits(asked({ inTest: null }))[1]?.text.en).toContain('nothing runs in test now');
  });

  it('is the rollout, with how far it is', () => {
    const granted = (tale: Tale) => {
      tested(tale);
      tale.asked('pre-release');
      tale.granted('pre-release');
    };
    expect(brief(granted)).toEqual(['rollout-queue pre-release']);
    const at = { rollout: uuid(600), kind: 'rollout', release, environment: 'pre-release' } as const;
    const advancing = (tale: Tale) => {
      granted(tale);
      tale.say('rollout.started', {
        ...at,
        stage: 'pre-release',
        attempt: 1,
        grant: uuid(650),
        image: { repository: 'r', digest: `sha256:${'b'.repeat(64)}` },
        replaces: null,
      });
      tale.say('rollout.advanced', { ...at, ready: 1, wanted: 4, message: '' });
    };
    expect(waits(advancing)).toMatchObject([{ code: 'rollout', text: { en: 'the rollout to pre-release (1/4)' } }]);
  });

  it('is the part that is away, before what waits for it, until it is back', () => {
    const absent = (part: string, environment: string | null) => (tale: Tale) =>
      tale.say('part.away', { release: release.id, environment, part, since: time(900), reason: 'connection refused' });
    const rolling =
      (...more: ((tale: Tale) => void)[]) =>
      (tale: Tale) => {
        tested(tale);
        tale.asked('pre-release');
        tale.granted('pre-release');
        const at = { rollout: uuid(600), kind: 'rollout' as const, release, environment: 'pre-release' };
        tale.say('rollout.started', { ...at, stage: 'pre-release', attempt: 1, grant: uuid(650), image, replaces: null });
        for (const each of more) each(tale);
      };
    const registry = waits(rolling(absent('target', 'pre-release'), absent('registry', 'pre-release')));
    expect(registry.map(({ code }) => code)).toEqual(['away', 'rollout']);
    expect(registry[0]).toMatchObject({
      text: { en: `the registry of pre-release to answer again, away since ${time(900)}: connection refused` },
      since: time(900),
    });
    expect(brief(rolling(absent('target', 'production')))).toEqual(['rollout pre-release']);
    expect(waits(rolling(absent('approval', 'pre-release')))[0]).toMatchObject({
      text: {
        en: `the approval service of pre-release to hear what runs there, since ${time(900)}`,
        zh: `等待pre-release 的审批服务获知其中运行的版本，自 ${time(900)} 起`,
      },
    });
    const back = (tale: Tale) =>
      tale.say('part.back', { release: release.id, environment: 'pre-release', part: 'registry', afterSeconds: 60 });
    expect(brief(rolling(absent('registry', 'pre-release'), back))).toEqual(['rollout pre-release']);
    expect(
      brief((tale) => {
        tale.born();
        absent('docker-engine', null)(tale);
      }),
    ).toEqual(['away', 'build-queue']);
  });

  it('goes on from pre-release to production, and ends live there', () => {
    const passed = (tale: Tale) => {
      tested(tale);
      live(tale, 'pre-release');
    };
    expect(brief(passed)).toEqual(['request production']);
    expect(
      brief((tale) => {
        passed(tale);
        live(tale, 'production');
      }),
    ).toEqual(['live production']);
  });

  it('is nothing, with the reason, where it has ended', () => {
    const failed = {
      release,
      attempt: 1,
      reason: { code: 'step-failed', message: 'npm test: 2 failed' },
      step: null,
      logTail: [],
      seconds: 1,
      authors: [],
    };
    expect(waits((tale) => tale.say('build.failed', failed))).toMatchObject([
      { code: 'ended', reason: { code: 'step-failed' }, text: { en: 'ended: npm test: 2 failed' } },
    ]);
    const rejected = (tale: Tale) => {
      tested(tale);
      tale.asked('pre-release');
      tale.say('approval.rejected', {
        request: uuid(800),
        release,
        environment: 'pre-release',
        by: asReference(omar),
        comment: 'no',
        authors: [],
      });
    };
    expect(waits(rejected)).toMatchObject([{ code: 'ended', environment: 'pre-release', reason: { code: 'rejected' } }]);
    expect(
      waits((tale) => {
        rejected(tale);
        tale.say('release.withdrawn', { release, by: asReference(omar), reason: 'bad' });
      }),
    ).toMatchObject([{ code: 'ended', reason: { code: 'withdrawn' } }]);
    expect(
      waits((tale) => {
        tested(tale);
        live(tale, 'pre-release');
        live(tale, 'production');
        tale.rolledOut('production', aRelease(43), release);
        tale.rolledOut('pre-release', aRelease(43), release);
      }),
    ).toMatchObject([{ code: 'ended', reason: { code: 'replaced' } }]);
  });

  it('is what keeps it from being asked for, until somebody sees to it', () => {
    const reason = { code: 'secret-missing', message: 'no value for shop/db-password' };
    const at = { release, environment: 'pre-release', reason, changed: [] };
    const blocked = (tale: Tale) => {
      tested(tale);
      tale.say('approval.voided', { request: uuid(888), ...at });
    };
    expect(waits(blocked)).toMatchObject([{ code: 'blocked', environment: 'pre-release', reason }]);
    expect(
      brief((tale) => {
        tested(tale);
        tale.asked('pre-release');
        tale.say('approval.voided', { request: uuid(800), ...at });
        tale.say('approval.voided', { request: uuid(889), ...at, unasked: true });
      }),
    ).toEqual(['blocked pre-release']);
    expect(
      brief((tale) => {
        blocked(tale);
        tale.asked('pre-release');
      }),
    ).toEqual(['sign-off pre-release', 'sign-off pre-release']);
  });

  it('ends at test for a branch nothing further accepts', () => {
    const branch = aRelease(42, { ref: 'refs/heads/feature/x', line: 'feature/x' });
    const end = (tale: Tale) => {
      tale.born(branch);
      tale.built(branch);
      tale.tested(branch);
    };
    expect(waits(end)).toMatchObject([{ code: 'ended', reason: { code: 'end-of-path' } }]);
    expect(waits(end, { file: null })).toMatchObject([{ code: 'ended', reason: { code: 'project-removed' } }]);
  });

  it('always says something, in both languages', () => {
    const tale = story();
    tested(tale);
    live(tale, 'pre-release');
    live(tale, 'production');
    for (const count of tale.told.keys()) {
      const state = foldRelease(release.id, tale.told.slice(0, count + 1));
      const said = state ? waitingFor(state, around) : [];
      expect(said.length).toBeGreaterThan(0);
      for (const { text } of said) expect(text.en.length > 0 && /[\u4e00-\u9fff]/.test(text.zh)).toBe(true);
    }
  });
});
