/** How many threads pay: one a physical core that this process may use, since two on one core share its arithmetic. */
export const physicalCores = (): number => {
  const os = globalThis.process?.getBuiltinModule?.('node:os');
  const fs = globalThis.process?.getBuiltinModule?.('node:fs');
  if (os === undefined || fs === undefined) return navigator.hardwareConcurrency || 1;
  const usable = os.availableParallelism();
  try {
    const folder = '/sys/devices/system/cpu';
    const cores = new Set<string>();
    for (const name of fs.readdirSync(folder)) {
      if (!/^cpu\d+$/.test(name)) continue;
      const siblings = `${folder}/${name}/topology/thread_siblings_list`;
      if (fs.existsSync(siblings)) cores.add(fs.readFileSync(siblings, 'utf8').trim());
    }
    return cores.size === 0 ? usable : Math.min(usable, cores.size);
  } catch {
    return usable;
  }
};
