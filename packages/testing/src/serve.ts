import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** What a server answers with. */
export interface Site {
  /** Texts by path; the type follows the ending. */
  readonly texts: ReadonlyMap<string, string>;
  /** Files by path. */
  readonly files: Readonly<Record<string, string>>;
  /** Sent with every answer. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Server {
  /** `http://127.0.0.1:port`, without a slash at the end. */
  readonly origin: string;
  close(): Promise<void>;
}

/** Serves a site on a free port of the loopback interface. */
export const serve = async ({ texts, files, headers }: Site): Promise<Server> => {
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
      const file = Object.hasOwn(files, pathname) ? files[pathname] : undefined;
      const body = texts.get(pathname) ?? (file === undefined ? undefined : await readFile(file));
      const type = types[extname(pathname)] ?? 'application/octet-stream';
      if (body !== undefined) response.writeHead(200, { 'content-type': type, ...headers }).end(body);
      // A browser asks for the icon of every page by itself.
      else response.writeHead(pathname === '/favicon.ico' ? 204 : 404, headers).end();
    };
    answer().catch((error: unknown) => response.writeHead(500, headers).end(String(error)));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
