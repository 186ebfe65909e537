import { describe, expect, it } from 'vitest';
import {
  hasInstalledDriver,
  isDriverChosen,
  loadVulkan,
  type NodeParts,
  softwareDrivers,
  withDriver,
} from './swiftshader.js';

/** A machine with these files, where libraries load as told. */
const machine = (
  platform: string,
  files: readonly string[],
  environment: Record<string, string | undefined> = {},
  loads: (path: string) => boolean = () => false,
): NodeParts => ({
  platform,
  environment,
  files: {
    existsSync: (path) => files.includes(path),
    readdirSync: (folder) => {
      const names = files.filter((file) => file.startsWith(`${folder}/`)).map((file) => file.slice(folder.length + 1));
      if (names.length === 0) throw new Error('ENOENT');
      return [...new Set(names.map((name) => name.split('/')[0] ?? ''))];
    },
  },
  loadLibrary: loads,
});

describe('finding SwiftShader', () => {
  it('looks where Chromium is installed', () => {
    const debian = '/usr/lib/chromium/vk_swiftshader_icd.json';
    expect(softwareDrivers(machine('linux', [debian]))).toEqual([debian]);
    const playwright = '/somewhere/me/.cache/ms-playwright/chromium-1200/chrome-linux/vk_swiftshader_icd.json';
    expect(softwareDrivers(machine('linux', [playwright], { HOME: '/somewhere/me' }))).toEqual([playwright]);
    const windows = 'C:\\Program Files/Google/Chrome/Application/140.0.1/vk_swiftshader_icd.json';
    expect(softwareDrivers(machine('win32', [windows], { ProgramFiles: 'C:\\Program Files' }))).toEqual([windows]);
    expect(softwareDrivers(machine('freebsd', [debian]))).toEqual([]);
  });

  it('takes the loader of the system, else the one beside Chromium', () => {
    const tried: string[] = [];
    const beside = '/usr/lib/chromium/libvulkan.so.1';
    const loads = (path: string): boolean => {
      tried.push(path);
      return path === beside;
    };
    expect(loadVulkan(machine('linux', [beside], {}, loads))).toBe(true);
    expect(tried).toEqual(['libvulkan.so.1', beside]);
    expect(loadVulkan(machine('linux', [], {}, loads))).toBe(false);
  });

  it('sees installed drivers, and a choice of the user', () => {
    expect(hasInstalledDriver(machine('linux', ['/usr/share/vulkan/icd.d/nvidia_icd.json']))).toBe(true);
    expect(hasInstalledDriver(machine('linux', ['/usr/share/vulkan/registry/vk.xml']))).toBe(false);
    expect(isDriverChosen(machine('linux', [], { VK_DRIVER_FILES: '/x.json' }))).toBe(true);
    expect(isDriverChosen(machine('linux', [], { VK_ICD_FILENAMES: '' }))).toBe(false);
  });

  it('sets the driver for the time of loading only, also when that fails', async () => {
    const node = machine('linux', []);
    const seen = await withDriver(node, '/a.json', async () => node.environment['VK_ICD_FILENAMES']);
    expect(seen).toBe('/a.json');
    expect('VK_ICD_FILENAMES' in node.environment).toBe(false);
    await expect(withDriver(node, '/a.json', () => Promise.reject(new Error('no device')))).rejects.toThrow(
      'no device',
    );
    expect('VK_ICD_FILENAMES' in node.environment).toBe(false);
  });
});
