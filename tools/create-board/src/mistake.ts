/** Something that the user got wrong: one line that says which option, and what is allowed. */
export class Mistake extends Error {}
