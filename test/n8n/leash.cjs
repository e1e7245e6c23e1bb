/**
 * Loaded into n8n before its own code (node --require): ends n8n when the process that started it is gone, even when that
 * was killed and could not say good-bye. The channel to it closes then.
 */
process.on('disconnect', () => {
	setTimeout(() => process.exit(1), 8_000).unref();
	process.kill(process.pid, 'SIGTERM');
});
// Only listening for the end must not keep n8n from ending by itself.
process.channel?.unref();
