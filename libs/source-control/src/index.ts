export * from './create-source-controls.js';
export { forgetCopies } from './git/forgotten-copies.js';
export { forgetRuns } from './private-files.js';
export { branchPrefix, checkGitRef, checkSvnRef, isTag, matcher, refMatcher, refName, tagPrefix } from './ref-name.js';
export * from './source-control.js';
export * from './source-error.js';
export { type GuardedUrl, guardFileUrl, guardUrl } from './source-url.js';
