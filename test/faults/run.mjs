// npm run faults: installs what is missing, compiles, hurts the suite. `npm run faults -- --help` says more.
import { join } from 'node:path';
import { launchTier, root } from '../../tools/setup/launch.mjs';
import { wanted } from '../../tools/setup/needs.mjs';

await launchTier('faults', wanted.faults ?? wanted.test, [`--import=${join(root, 'tools/docs/source-loader.mjs')}`]);
