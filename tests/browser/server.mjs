// The program under test: started with a data directory of its own, read line by line, stopped.

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { targetDirectory } from './paths.mjs';

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 20_000;
const LONELY_DEADLINE_MS = 3_000;
const STDERR_LINES_KEPT = 40;

/** What the program prints once its pages can be asked for: the link into the Bridge. */
const BRIDGE_LINK = /https?:\/\/[^\s/]+\/bridge\S*/;

// Whatever way this process ends, no server outlives it.
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGTERM')));

/**
 * Starts the program named by TIDEGATE_BIN (or `program`) with `args` and waits for its Bridge link.
 * The word `{data}` in `args` becomes a new directory, removed when the server has stopped. `config` is
 * the text of a file in that directory, `tidegate.toml`; `env` is added to the environment.
 */
export async function startServer(
  args = ['demo', '--data-dir', '{data}', '--listen', '127.0.0.1:0'],
  { program = process.env.TIDEGATE_BIN, ready = BRIDGE_LINK, deadlineMs = START_DEADLINE_MS, config, env = {} } = {},
) {
  if (!program) {
    throw new Error('TIDEGATE_BIN is not set: build with `cargo build -p tidegate` and name the binary');
  }
  const parent = path.join(targetDirectory, 'browser');
  await mkdir(parent, { recursive: true });
  const data = await mkdtemp(path.join(parent, 'data-'));
  // The program refuses secrets that others can read.
  if (config !== undefined) await writeFile(path.join(data, 'tidegate.toml'), config, { mode: 0o600 });
  const server = new Server(program, args.map((word) => word.replace('{data}', data)), data, env);
  try {
    await server.listens(ready, deadlineMs);
    return server;
  } catch (error) {
    await server.kill();
    throw error;
  }
}

class Server {
  /** The link into the Bridge that the program printed. */
  link;
  /** Scheme, host and port of that link. */
  origin;
  /** The directory that stood for `{data}`. */
  data;
  /** Every line of standard output so far. */
  lines = [];

  #program;
  #args;
  #env;
  #child;
  #exit;
  #crashed = false;
  #stderr = [];
  #waiting = new Set();

  constructor(program, args, data, env) {
    this.data = data;
    this.#program = program;
    this.#args = args;
    // Keys lie beside the data unless told otherwise, and nobody would remove them there.
    const key = (name) => path.join(data, name);
    const keys = { TIDEGATE_AUDIT_KEY: key('audit-key'), TIDEGATE_UPSTREAM_KEY: key('upstream-key') };
    this.#env = { ...process.env, ...keys, ...env };
    this.#spawn();
  }

  #spawn() {
    this.#child = spawn(this.#program, this.#args, { stdio: ['ignore', 'pipe', 'pipe'], env: this.#env });
    const child = this.#child;
    running.add(child);
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.lines.push(line);
      this.#wake();
    });
    createInterface({ input: this.#child.stderr }).on('line', (line) => {
      this.#stderr.push(line);
      if (this.#stderr.length > STDERR_LINES_KEPT) this.#stderr.shift();
    });
    this.#exit = new Promise((resolve) => {
      // 'close' comes after the last line was read; 'error' alone when there was nothing to start.
      this.#child.on('close', (code, signal) => resolve(signal ?? `code ${code}`));
      this.#child.on('error', (error) => resolve(error.message));
    }).then((how) => {
      this.exited = how;
      running.delete(child);
      this.#wake();
      return how;
    });
  }

  /** Waits until the program has printed its Bridge link. */
  async listens(ready, deadlineMs) {
    const line = await this.line(ready, deadlineMs);
    this.link = line.match(ready)[0];
    this.origin = new URL(this.link).origin;
  }

  #wake() {
    this.#waiting.forEach((look) => look());
  }

  /** The first line of standard output, from the start, that matches. */
  line(pattern, deadlineMs = START_DEADLINE_MS) {
    return new Promise((resolve, reject) => {
      const end = (settle, value) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        settle(value);
      };
      const fail = (why) => end(reject, new Error(`no line ${pattern}: ${why}\n${this.output()}`));
      const look = () => {
        const found = this.lines.find((line) => pattern.test(line));
        if (found !== undefined) end(resolve, found);
        else if (this.exited) fail(`the program ended with ${this.exited}`);
      };
      const timer = setTimeout(() => fail(`none within ${deadlineMs} ms`), deadlineMs);
      this.#waiting.add(look);
      look();
    });
  }

  /** What the program said, for a failure's message. */
  output() {
    return [...this.lines, ...this.#stderr].map((line) => `    | ${line}`).join('\n');
  }

  /** Waits until nobody is connected any more; fails where somebody stays. Linux alone tells. */
  async lonely() {
    const port = Number(new URL(this.origin).port).toString(16).toUpperCase().padStart(4, '0');
    const deadline = Date.now() + LONELY_DEADLINE_MS;
    for (;;) {
      const table = await readFile('/proc/net/tcp', 'utf8').catch(() => '');
      // Local address, remote address, state: 01 is established, 08 left by the peer alone.
      const open = table.match(new RegExp(`: [0-9A-F]{8}:${port} [0-9A-F:]{13} 0[18] `, 'g')) ?? [];
      if (open.length === 0) return;
      if (Date.now() > deadline) throw new Error(`${open.length} connections outlive their pages`);
      await new Promise((turn) => setTimeout(turn, 50));
    }
  }

  /** Asks the program to stop, as an operator does, and fails unless it ends by itself with code 0. */
  async stop(deadlineMs = STOP_DEADLINE_MS) {
    if (this.#crashed) return;
    const unasked = this.exited;
    this.#child.kill('SIGTERM');
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, deadlineMs, 'late')));
    const how = await Promise.race([this.#exit, late]);
    clearTimeout(timer);
    await this.kill();
    if (unasked) throw new Error(`the server ended by itself with ${unasked}\n${this.output()}`);
    if (how === 'late') throw new Error(`the server did not stop within ${deadlineMs} ms\n${this.output()}`);
    if (how !== 'code 0') throw new Error(`the server stopped with ${how}\n${this.output()}`);
  }

  /** Ends the program without asking it and leaves its data. */
  async crash() {
    this.#crashed = true;
    this.#child.kill('SIGKILL');
    await this.#exit;
  }

  /** Starts the program again after a crash, on the same data and the same port. */
  async restart(deadlineMs = START_DEADLINE_MS) {
    const port = new URL(this.origin).port;
    this.#args = this.#args.map((word) => word.replace(/:0$/, `:${port}`));
    this.lines = [];
    this.exited = undefined;
    this.#crashed = false;
    this.#spawn();
    await this.listens(BRIDGE_LINK, deadlineMs);
  }

  /** Ends the program without asking it and removes its data; does nothing where it has ended. */
  async kill() {
    this.#child.kill('SIGKILL');
    await this.#exit;
    await rm(this.data, { recursive: true, force: true });
  }
}
