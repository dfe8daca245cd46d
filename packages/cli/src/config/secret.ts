// The object type `secret`: a password or key that other objects name, given as text or in a file.

import { BwObject, type PropertySpec, type TypeRegistry, typeOfClass, UserError } from '@boardwalk/core';
import { readInputFile } from '@boardwalk/host-node';

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
    this.#value = this.getProperty('format') === 'base64' ? decodeBase64(given) : given;
    super.complete();
  }
}

function decodeBase64(text: Uint8Array): Uint8Array {
  const letters = new TextDecoder().decode(text).trim();
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(letters)) {
    throw new UserError('Base64 data is not valid');
  }
  return Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
}

/** Makes the type known. */
export function registerSecret(types: TypeRegistry): void {
  types.register(typeOfClass(Secret, { create: () => new Secret() }));
}
