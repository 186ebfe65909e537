import { randomBytes } from 'node:crypto';
import { link, open, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { failure } from '@drnn/tensor';

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';

/** What the system's error codes say, in words. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'a folder that does not exist',
  ENOTDIR: 'a path through something that is no folder',
  EACCES: 'a folder that may not be written to',
  EPERM: 'a folder that may not be written to',
  EROFS: 'a read-only file system',
  ENOSPC: 'a full disk',
  EISDIR: 'a folder in its place',
  EDQUOT: 'a full quota',
  ENAMETOOLONG: 'a name that is too long',
};

const exists = async (path: string): Promise<boolean> => {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
};

const alreadyThere = (path: string): Error =>
  failure({
    path,
    seen: 'a file that is already there',
    expected: 'a new name',
    hint: 'give force (--force) to replace it',
  });

/** Throws now what writing to `path` would throw later: nothing is written. For a check before a long fit. */
export const checkWritable = async (path: string, options: { readonly force?: boolean } = {}): Promise<void> => {
  const folder = dirname(path);
  if (!(await exists(folder))) throw failure({ path, seen: reasons['ENOENT'] ?? '', expected: 'an existing folder' });
  if (options.force !== true && (await exists(path))) throw alreadyThere(path);
  const there = await stat(path).catch(() => null);
  if (there?.isDirectory() === true) throw failure({ path, seen: 'a folder', expected: 'a name for a file' });
  const probe = join(folder, `.${basename(path).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await (await open(probe, 'wx')).close();
    await unlink(probe);
  } catch (cause) {
    throw failure({ path, seen: reasons[codeOf(cause)] ?? codeOf(cause), expected: 'a place to write to' }, cause);
  }
};

/**
 * Writes a file whole or not at all: to a temporary name in the same folder, made exclusively, then put in place in one
 * step. A reader never sees half of it, and a failure leaves nothing behind. An existing file is replaced only with
 * `force`.
 */
export const writeFileBeside = async (
  path: string,
  bytes: Uint8Array | string,
  options: { readonly force?: boolean } = {},
): Promise<void> => {
  const force = options.force === true;
  if (!force && (await exists(path))) throw alreadyThere(path);
  const temporary = join(dirname(path), `.${basename(path).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`);
  let made = false;
  try {
    const file = await open(temporary, 'wx');
    made = true;
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    if (!force) {
      try {
        // Unlike a rename, a link fails when the name was taken meanwhile.
        await link(temporary, path);
        return;
      } catch (error) {
        if (codeOf(error) === 'EEXIST' || (await exists(path))) throw error;
        // A file system without hard links: the check above has to do.
      }
    }
    await rename(temporary, path);
    made = false;
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST' && !force) throw alreadyThere(path);
    const seen = reasons[codeOf(cause)] ?? `the error ${codeOf(cause)}`;
    throw failure({ path, seen, expected: 'a place to write to', hint: 'choose another output' }, cause);
  } finally {
    if (made) await unlink(temporary).catch(() => undefined);
  }
};
