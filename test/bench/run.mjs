// npm run bench: installs what is missing, compiles, measures. `npm run bench -- --help` says more.
import { launchTier } from '../../tools/setup/launch.mjs';
import { wanted } from '../../tools/setup/needs.mjs';

await launchTier('bench', wanted.start);
