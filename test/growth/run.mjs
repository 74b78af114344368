// npm run growth: installs what is missing, compiles, measures. `npm run growth -- --help` says more.
import { launchTier } from '../../tools/setup/launch.mjs';
import { wanted } from '../../tools/setup/needs.mjs';

await launchTier('growth', wanted.start);
