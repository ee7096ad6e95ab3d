// A wall clock that can be set, for one server alone. Linux.

import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, open, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { here, targetDirectory } from './paths.mjs';

/**
 * A clock for a server to be started with: `env` is what its environment needs, and `set(offset_ms)` makes it
 * differ from the machine's by that from now on.
 */
export async function wallClock() {
  const parent = path.join(targetDirectory, 'browser');
  await mkdir(parent, { recursive: true });
  const directory = await mkdtemp(path.join(parent, 'clock-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const offset = path.join(directory, 'offset');
  await writeFile(offset, Buffer.alloc(8));
  const library = path.join(directory, 'clock.so');
  const flags = ['-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-o', library];
  await promisify(execFile)(process.env.CC || 'cc', [...flags, path.join(here, 'fixtures/clock.c')]);
  return {
    env: { LD_PRELOAD: library, CHECK_CLOCK: offset },
    async set(offset_ms) {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(offset_ms) * 1_000_000n);
      const file = await open(offset, 'r+');
      await file.write(bytes, 0, 8, 0);
      await file.close();
    },
  };
}
