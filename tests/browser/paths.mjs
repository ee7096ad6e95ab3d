// Where things stand in the repository, whatever directory the checks are started from.

import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** This folder. */
export const here = path.dirname(fileURLToPath(import.meta.url));

/** Cargo's target directory: everything the checks leave behind goes below it. */
export const targetDirectory = path.resolve(process.env.CARGO_TARGET_DIR || path.join(here, '../../target'));

/** Where screenshots go, for people to look at. */
export const screensDirectory = path.join(targetDirectory, 'screens');

/** Where the pictures of the documents are. */
export const picturesDirectory = path.join(here, '../../docs/pictures');
