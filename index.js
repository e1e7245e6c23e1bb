/** The classes of this package, for those who require it; n8n itself finds them through package.json. */
const { MidApi } = require('./dist/credentials/MidApi.credentials.js');
const { VtrixApi } = require('./dist/credentials/VtrixApi.credentials.js');
const { Midjourney } = require('./dist/nodes/Midjourney/Midjourney.node.js');
const { MidjourneyTrigger } = require('./dist/nodes/Midjourney/MidjourneyTrigger.node.js');

module.exports = { MidApi, VtrixApi, Midjourney, MidjourneyTrigger };
