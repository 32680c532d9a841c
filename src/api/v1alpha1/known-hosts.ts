import type { z } from 'zod';
import { text } from './primitives.ts';

// One line of known_hosts: names, key type, key; a marker before and a comment after are allowed. No line can be read in two ways, so
// that no input takes long.
const knownHost = [
  '(@(cert-authority|revoked) )?',
  '[A-Za-z0-9.,:|*?!=+/[\\]_-]+ +',
  '(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh[.]com) +',
  '[A-Za-z0-9+/]+={0,2}( [ -~]*)?',
].join('');
const passedOver = '(#[ -~]*)?';
const knownHostsPattern = new RegExp(`^(${passedOver}\\n)*${knownHost}(\\n(${knownHost}|${passedOver}))*$`);

/** Host keys as `ssh-keyscan` prints them. */
export const knownHosts = (): z.ZodString =>
  text({
    max: 8192,
    pattern: knownHostsPattern,
    message:
      'write the host keys as `ssh-keyscan -p PORT HOST` prints them: lines such as "[backup.example.com]:2222 ssh-ed25519 AAAA…"',
  });
