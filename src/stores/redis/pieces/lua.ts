/** Lua in a template: backslashes stay as they are, and editors may colour it. */
export const lua = String.raw;
