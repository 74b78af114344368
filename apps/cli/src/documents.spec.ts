import { describe, expect, it } from 'vitest';
import { pathOf, readDocuments } from './documents.js';

const project = `apiVersion: slipway.dev/v1
kind: Project
metadata: {name: shop}
spec:
  source:
    git: {url: https://git.example/shop.git}
  image: {repository: localhost:5000/shop}
  app:
    port: 8080
  environments:
    - name: test
      stage: test
      target: lab
      verify:
        - http: /
    - name: production
      stage: production
      after: [test]
      target: lab
`;
const target = `apiVersion: slipway.dev/v1
kind: Target
metadata: {name: lab}
spec: {docker: {}}
`;
const faults = (text: string) =>
  readDocuments('p.yaml', text).faults.map(({ line, column, field, message }) => `${line}:${column} ${field}: ${message}`);

describe('reading files', () => {
  it('takes several documents, comments and empty ones', () => {
    const { documents, faults } = readDocuments('all.yaml', `# ours\n---\n${target}---\n---\n${project}...\n`);
    expect(faults).toEqual([]);
    expect(documents.map(({ kind, name }) => [kind, name])).toEqual([
      ['Target', 'lab'],
      ['Project', 'shop'],
    ]);
  });

  it('takes JSON', () => {
    const { documents } = readDocuments(
      't.json',
      JSON.stringify({ apiVersion: 'slipway.dev/v1', kind: 'Target', metadata: { name: 'lab' }, spec: { docker: {} } }),
    );
    expect(documents[0]).toMatchObject({ kind: 'Target', name: 'lab' });
  });

  it('sends the document as written, defaults not filled in', () => {
    expect(readDocuments('t.yaml', target).documents[0]?.body).toEqual({
      apiVersion: 'slipway.dev/v1',
      kind: 'Target',
      metadata: { name: 'lab' },
      spec: { docker: {} },
    });
  });
});

describe('a fault in a file', () => {
  it('stands at the value that is wrong', () => {
    expect(faults(project.replace('port: 8080', 'port: 80800'))).toEqual([expect.stringMatching(/^9:5 spec\.app\.port: /)]);
  });

  it('stands at the key that is not known', () => {
    expect(faults(project.replace('  app:', '  ap:'))).toEqual(['8:3 spec.ap: there is no such field; is it misspelt?']);
  });

  it('stands where the field is missing', () => {
    expect(faults(project.replace('      target: lab\n      verify', '      verify'))).toEqual([
      expect.stringMatching(/^11:7 spec\.environments\[0\]\.target: is missing/),
    ]);
  });

  it('stands at the element of a list, in a choice at what the nearest alternative lacks', () => {
    expect(faults(project.replace('- http: /\n', '- http: /\n          expect: yes\n'))).toEqual([
      expect.stringMatching(/^16:11 spec\.environments\[0\]\.verify\[0\]\.expect: /),
    ]);
  });

  it('counts lines from the start of the file, also in a later document', () => {
    expect(faults(`${target}---\n${project.replace('[test]', '[tset]')}`)).toEqual([
      expect.stringMatching(/^23:15 spec\.environments\[1\]\.after\[0\]: name an environment that stands further up/),
    ]);
  });

  it('of a feature that is not there yet says so by name', () => {
    expect(faults(`${project}  gates: []\n`)).toEqual(['20:3 spec.gates: gates is not supported yet: remove it']);
  });

  it('of a test environment after production stands at the name it follows', () => {
    const late = '    - name: late\n      stage: test\n      target: lab\n      after: [production]\n';
    expect(faults(`${project}${late}`)).toEqual([
      expect.stringMatching(/^23:15 spec\.environments\[2\]\.after\[0\]: a test environment after production, .* is not supported yet/),
    ]);
  });

  it('of the YAML itself has its place too', () => {
    expect(faults('kind: Project\nspec: [1, 2\n')[0]).toMatch(/^3:1 : /);
    expect(faults('kind: Project\nkind: Target\n')[0]).toMatch(/^2:1 : /);
  });

  it('is a document of no kind, or of another', () => {
    expect(faults('metadata: {name: x}\n')).toEqual(['1:1 kind: say what it is: kind: Project, or kind: Target']);
    expect(faults('kind: Repository\n')).toEqual(['1:1 kind: "Repository" is nothing that can be applied; Project and Target are']);
    expect(faults('just words\n')[0]).toMatch(/^1:1 kind: say what it is/);
    expect(faults('kind: constructor\n')[0]).toMatch(/is nothing that can be applied/);
  });

  it('is a bomb of aliases', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...[...'bcdefgh'].map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[index]}`).join(', ')}]`),
    ].join('\n');
    expect(faults(`${bomb}\n`)[0]).toMatch(/alias/i);
  });

  it('is found by the gateway’s names of fields', () => {
    expect(pathOf('spec.environments.1.app[0].x')).toEqual(['spec', 'environments', 1, 'app', 0, 'x']);
  });
});
