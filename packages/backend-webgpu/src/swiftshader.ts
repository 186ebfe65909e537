/**
 * SwiftShader, a Vulkan driver that runs on the processor, comes with every Chromium; and so does, on Linux, the loader
 * that Vulkan programs need.
 */

interface Files {
  existsSync(path: string): boolean;
  readdirSync(folder: string): readonly string[];
}

/** What this needs of Node; got without an import, which bundlers for browsers would follow. */
export interface NodeParts {
  readonly platform: string;
  readonly environment: Record<string, string | undefined>;
  readonly files: Files;
  /** Loads a shared library into the process for good; false where that fails. */
  loadLibrary(path: string): boolean;
}

/** Folders of one level down, newest version last. */
const within = (node: NodeParts, folder: string, pattern: RegExp): readonly string[] => {
  try {
    return node.files
      .readdirSync(folder)
      .filter((name) => pattern.test(name))
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
      .map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
};

/** Where Chromium and its kin are installed. */
const folders = (node: NodeParts): readonly string[] => {
  const home = node.environment['HOME'] ?? '';
  switch (node.platform) {
    case 'linux':
      return [
        '/usr/lib/chromium',
        '/usr/lib/chromium-browser',
        '/usr/lib64/chromium',
        '/usr/lib64/chromium-browser',
        '/opt/google/chrome',
        '/opt/chromium.org/chromium',
        '/opt/microsoft/msedge',
        '/snap/chromium/current/usr/lib/chromium-browser',
        ...within(node, `${home}/.cache/ms-playwright`, /^chromium-\d+$/).flatMap((folder) => [
          `${folder}/chrome-linux`,
          `${folder}/chrome-linux64`,
        ]),
      ];
    case 'darwin':
      return ['Google Chrome', 'Chromium', 'Microsoft Edge'].map(
        (name) =>
          `/Applications/${name}.app/Contents/Frameworks/${name} Framework.framework/Versions/Current/Libraries`,
      );
    case 'win32':
      return [node.environment['ProgramFiles'], node.environment['ProgramFiles(x86)']].flatMap((root) =>
        ['Google/Chrome', 'Microsoft/Edge', 'Chromium'].flatMap((name) =>
          root === undefined ? [] : within(node, `${root}/${name}/Application`, /^\d+(\.\d+)+$/),
        ),
      );
    default:
      return [];
  }
};

/** The manifests of the SwiftShader drivers on this machine. */
export const softwareDrivers = (node: NodeParts): readonly string[] =>
  folders(node)
    .map((folder) => `${folder}/vk_swiftshader_icd.json`)
    .filter((path) => node.files.existsSync(path));

/** Whether Vulkan's loader is in the process. It is looked for beside the drivers too, as few install it by itself. */
export const loadVulkan = (node: NodeParts): boolean =>
  ['libvulkan.so.1', ...folders(node).map((folder) => `${folder}/libvulkan.so.1`)].some(
    (path) => (!path.startsWith('/') || node.files.existsSync(path)) && node.loadLibrary(path),
  );

/** The variables by which a user chooses drivers. */
const choices = ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES', 'VK_ADD_DRIVER_FILES'];

/** Whether the user chose a driver, which nothing here overrides. */
export const isDriverChosen = (node: NodeParts): boolean =>
  choices.some((name) => (node.environment[name] ?? '') !== '');

/** Whether any driver is installed where Vulkan looks; without one it writes warnings, and finds nothing. */
export const hasInstalledDriver = (node: NodeParts): boolean => {
  const { environment } = node;
  const data = environment['XDG_DATA_DIRS'] ?? '/usr/local/share:/usr/share';
  const roots = [...data.split(':'), '/usr/local/etc', '/etc', `${environment['HOME'] ?? ''}/.local/share`];
  return roots.some((root) => within(node, `${root}/vulkan/icd.d`, /\.json$/).length > 0);
};

/** Waits for `work` with `driver` as the driver that Vulkan finds, and puts the environment back. */
export const withDriver = async <Result>(
  node: NodeParts,
  driver: string,
  work: () => Promise<Result>,
): Promise<Result> => {
  node.environment['VK_ICD_FILENAMES'] = driver;
  try {
    return await work();
  } finally {
    delete node.environment['VK_ICD_FILENAMES'];
  }
};
