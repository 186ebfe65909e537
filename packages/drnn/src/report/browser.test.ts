import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { capability, requires } from '@drnn/testing';
import { describe, expect, it } from 'vitest';
import { renderReport } from './index.js';
import { sampleReport } from './sample-report.test.data.js';

/** Opens a page in a browser of its own, without a network, and gives its document and what its console said. */
const open = (html: string): { readonly page: string; readonly console: string } => {
  const folder = mkdtempSync(join(tmpdir(), 'drnn-report-'));
  try {
    const file = join(folder, 'report.html');
    writeFileSync(file, html);
    const { stdout, stderr, status } = spawnSync(
      capability('chromium').command ?? '',
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        `--user-data-dir=${join(folder, 'profile')}`,
        '--enable-logging=stderr',
        '--dump-dom',
        pathToFileURL(file).href,
      ],
      { encoding: 'utf8', timeout: 50_000 },
    );
    expect(status).toBe(0);
    const said = stderr.split('\n').filter((line) => line.includes('CONSOLE'));
    return { page: stdout, console: said.join('\n') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

describe.skipIf(!requires('chromium'))('in a browser', () => {
  const html = renderReport(sampleReport());

  it('opens offline under its own policy without a complaint', () => {
    const { page, console } = open(html);
    expect(console).toBe('');
    expect(page).toContain('Figure 1');
    expect(page.match(/<svg/g)?.length ?? 0).toBeGreaterThan(4);
  });

  it('would complain of anything that the policy forbids', () => {
    const { console } = open(html.replace('</body>', '<script>document.title = "run"</script></body>'));
    expect(console).toContain('Content Security Policy');
  });
});
