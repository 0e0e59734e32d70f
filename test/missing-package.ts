import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * What a process without this package says, when a function of ours asks for it.
 * @param file relative to this one
 */
export async function missingPackage(name: string, file: string, call: string): Promise<string> {
  const script = `
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier !== ${JSON.stringify(name)}) return next(specifier, context);
        throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
      },
    });
    const module = await import(${JSON.stringify(new URL(file, import.meta.url).href)});
    await module.${call}().catch((error) => process.stdout.write(error.code + ': ' + error.message));
  `;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  return stdout;
}
