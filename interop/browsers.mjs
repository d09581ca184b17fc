// Starts the browsers as a person without a camera would have them: fake devices, no questions, no talk to the outside.
import puppeteer from 'puppeteer-core';

const CHROMIUM_FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required',
];

const FIREFOX_PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.autoplay.default': 0,
  'media.gmp-manager.updateEnabled': false,
  'app.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
};

// `options.hidden` has the browser show names of multicast DNS in place of its addresses, as it does for a page that may
// not use camera or microphone. `options.devices: false` takes the fake camera and microphone away;
// `options.anyCertificate` accepts a self-made one; `options.fieldTrials` switches on what Chromium tries out;
// `options.trustedKey` has Chromium accept certificates of that key (SHA-256 in base64), for TURN over TLS as well;
// `options.preferences` are Firefox's.
export function launch(name, options = {}) {
  if (name === 'chromium') {
    const args = CHROMIUM_FLAGS.filter((flag) => options.devices !== false || !flag.includes('fake-device'))
      .filter((flag) => !options.hidden || !flag.includes('media-stream'));
    if (options.trustedKey) args.push(`--ignore-certificate-errors-spki-list=${options.trustedKey}`);
    if (options.fieldTrials) args.push(`--force-fieldtrials=${options.fieldTrials}`);
    return puppeteer.launch({
      browser: 'chrome', executablePath: '/usr/bin/chromium', headless: true, args,
      acceptInsecureCerts: options.anyCertificate === true,
    });
  }
  return puppeteer.launch({
    browser: 'firefox', executablePath: '/usr/bin/firefox-esr', headless: true,
    extraPrefsFirefox: !options.hidden ? { ...FIREFOX_PREFERENCES, ...options.preferences } : {
      ...FIREFOX_PREFERENCES,
      'media.peerconnection.ice.obfuscate_host_addresses': true,
      'media.navigator.streams.fake': false,
      'media.navigator.permission.disabled': false,
      'permissions.default.camera': 2,
      'permissions.default.microphone': 2,
    },
  });
}
