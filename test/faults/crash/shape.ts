/** Words of the interfaces that are called; whatever else stands in a path is somebody's name and is left out. */
const words = new Set(
  (
    'api v1 v2 health live ready metrics webhooks subversion github gitlab gitea ' +
    'projects targets releases approvals sign-offs override environments rollouts commands people keys tokens dead-letters audit events session invitations ' +
    'retry cancel withdraw ask deploy refresh replay discard scale rollback hold unhold freeze unfreeze restart pause resume abort promote logs redeem ' +
    'containers images networks volumes exec create json start stop kill wait push pull tag build prune info version inspect attach archive update rename ' +
    'stats history get load system distribution connect disconnect resize _ping auth manifests blobs uploads tags list referrers'
  ).split(' '),
);

/** A path without names, ids and query: `/containers/*` + `/start`. */
export function shapeOf(url: string): string {
  const path = url.split('?')[0] ?? '/';
  const parts = path.split('/').map((part) => (part === '' || words.has(part) || /^v\d+\.\d+$/.test(part) ? part : '*'));
  return parts
    .join('/')
    .replace(/^\/v\d+\.\d+(?=\/)/, '')
    .replaceAll(/\*(\/\*)+/g, '*');
}
