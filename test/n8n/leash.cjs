/**
 * Loaded into n8n before its own code (node --require): ends n8n when the process that started it is gone, even if that was
 * killed, because the channel between them closes then.
 */
process.on('disconnect', () => {
	setTimeout(() => process.exit(1), 8_000).unref();
	process.kill(process.pid, 'SIGTERM');
});
// Listening alone must not keep n8n from ending by itself.
process.channel?.unref();
