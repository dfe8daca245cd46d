// The object type `secret`: a password or key that other objects name, given as text or in a file.

import { BwObject, type PropertySpec, type TypeRegistry, typeOfClass, UserError } from '@boardwalk/core';
import { readInputFile } from '@boardwalk/host-node';
import { parseBase64 } from '@boardwalk/monitor';

/** A secret. Its value is in no property that can be read. */
export class Secret extends BwObject {
  static override readonly typeName: string = 'secret';
  static override readonly interfaces = ['user-creatable'];
  static override readonly properties: readonly PropertySpec[] = [
    { name: 'data', type: 'string', description: 'the secret itself; others can see it on the command line' },
    { name: 'file', type: 'string', description: 'a file that holds it' },
    {
      name: 'format',
      type: 'string',
      reportedType: 'QCryptoSecretFormat',
      description: 'how it is written',
      values: ['raw', 'base64'],
      default: 'raw',
    },
  ];

  #value: Uint8Array = new Uint8Array(0);

  /** The secret's bytes. */
  get value(): Uint8Array {
    return this.#value;
  }

  override complete(): void {
    const [data, file] = [this.getProperty('data'), this.getProperty('file')];
    if (data !== undefined && file !== undefined) {
      throw new UserError("'file' and 'data' are mutually exclusive");
    }
    if (data === undefined && file === undefined) throw new UserError("Must provide 'file' or 'data'");
    const given = file === undefined ? new TextEncoder().encode(String(data)) : readInputFile(String(file));
    this.#value = this.getProperty('format') === 'base64' ? parseBase64(new TextDecoder().decode(given)) : given;
    super.complete();
  }
}

/** Makes the type known. */
export function registerSecret(types: TypeRegistry): void {
  types.register(typeOfClass(Secret, { create: () => new Secret() }));
}
