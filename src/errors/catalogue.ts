/**
 * The one catalogue of what can go wrong in a run, in words a person can act on. The keys are the reasons that results, conditions,
 * Events and logs carry; `cause` says what it means, `next` what to do. docs/failures.md is generated from it.
 */
interface Entry {
  cause: string;
  next: string;
}

export const catalogue = {
  SecretMissing: {
    cause: 'A Secret that the policy names, or a key of it, is not there.',
    next: 'Create the Secret with the named key in the namespace of the policy.',
  },
  SecretInvalid: {
    cause: 'A Secret is there, but what it holds cannot be used.',
    next: 'Put a key of the right form into the Secret.',
  },
  SourceUnreachable: {
    cause: 'The server does not answer at the address of the source.',
    next: 'Check source host and port, that the server runs, and that network policies let the backup pods through.',
  },
  SourceNotTrusted: {
    cause:
      'The source did not prove who it is: it showed another certificate or key than the policy trusts, or offers no encryption where the policy asks for it.',
    next: 'If its certificate or key was renewed, compare it by another way and put what the policy trusts up to date; if not, treat it as an attack.',
  },
  SourceNotSupported: {
    cause: 'The source is of a kind or version, or holds something, that the tools cannot dump whole.',
    next: 'The message names it; what is supported is in docs/sources-mysql.md. Change the source, or leave that part out of the policy.',
  },
  AccessDenied: {
    cause: 'The server refused the account, its password, its key or its client certificate.',
    next: 'Check the credentials Secret, and the account on the server.',
  },
  SourceNotFound: {
    cause: 'The repository that the policy names is not there, or is hidden from the account.',
    next: 'Correct spec.source.git.url, or give the account the right to read the repository.',
  },
  SourceHostKeyMismatch: {
    cause: 'The server of the source showed a host key that is not in knownHosts.',
    next: 'If the server was reinstalled, compare its key by another way and put it into source knownHosts; if not, treat it as an attack.',
  },
  SourceDamaged: {
    cause: 'Data in the source itself is damaged or missing, so no whole copy can be made.',
    next: 'Older backups stand: do not remove them. Check the source with its own tools (git fsck --full) and mend it, from a backup if need be.',
  },
  PrivilegeMissing: {
    cause: 'The account lacks a privilege without which a dump would leave things out.',
    next: 'Grant the named privilege to the account.',
  },
  DatabaseNotFound: {
    cause: 'A database that the policy names is not on the server.',
    next: 'Correct the name in the policy, or create the database.',
  },
  QuiesceFailed: {
    cause: 'The source could not be kept still, or did not stay so until the dump had ended.',
    next: 'Nothing of this run counts, and the next one tries again. readOnly: look for a statement that ran long at that time, and for who ended sessions of the account. workloads: check their names, and that nobody else scales them meanwhile.',
  },
  QuiesceTimeout: {
    cause: 'The operator did not say in time that the workloads are down, or that they stayed down.',
    next: 'The workloads are put back. Check that the operator runs, and that the pods of the workloads end when they are told to.',
  },
  DumpFailed: {
    cause: 'The dump tool reported an error.',
    next: 'Read the log of the Job; the message has its last words.',
  },
  DumpTruncated: {
    cause: 'The dump lacks its end mark: it was cut off, whatever its exit status.',
    next: 'Nothing was shipped and older backups stand. Look for a server restart or a lost connection at that time; the next run tries again.',
  },
  LocalCopyMissing: {
    cause: 'There is no complete local copy to ship.',
    next: 'Read the log of the dump container of this Job.',
  },
  LocalCopyDamaged: {
    cause: 'A local copy differs from what was recorded when it was made.',
    next: 'Run a local copy again; check the storage behind the claim.',
  },
  OutOfScratchSpace: {
    cause: 'The claim or the scratch space of the pod is full.',
    next: 'Raise localCopy.size (if the storage class can grow) or lower localCopy.keep.',
  },
  ClaimUnusable: {
    cause: 'The claim cannot be written to.',
    next: 'Check the storage behind the claim and its permissions.',
  },
  AnotherRunActive: {
    cause: 'Another run of the policy kept the claim locked until this one’s time was over.',
    next: 'Give the schedules more distance, or raise the deadlines.',
  },
  RepositoryUnreachable: {
    cause: 'The backup host, or the storage behind the repository claim, does not answer.',
    next: 'Check repository host and port, its SSH server, and the network between; for a claim, its file server and mount.',
  },
  ConnectionLost: {
    cause: 'The connection to the backup host broke during the transfer.',
    next: 'Nothing of this run counts; the next run begins anew. Check the network and the SSH server’s log.',
  },
  HostKeyMismatch: {
    cause: 'The backup host showed a host key that is not in knownHosts.',
    next: 'If the host was reinstalled, compare its key by another way and put it into repository knownHosts; if not, treat it as an attack.',
  },
  KeyRefused: {
    cause: 'The backup host refused the SSH key.',
    next: 'Put the public half of the key in the Secret into the account’s authorized_keys.',
  },
  RsyncUnavailable: {
    cause: 'The account on the backup host does not run rsync.',
    next: 'Install rsync 3.2.3 or later on the backup host; check the account’s shell and forced command, and that logging in prints nothing.',
  },
  RepositoryFull: {
    cause: 'The disk of the backup host, or the repository claim, is full, or a quota there is used up.',
    next: 'Free space there, or enlarge it. Older backups are whole.',
  },
  RepositoryNotWritable: {
    cause: 'The directory on the backup host, or on the repository claim, may not be written to.',
    next: 'Check the directory’s owner and mode. By SSH also the account’s forced command; on a claim, that user or group 65532 may write, and that an NFS export does not squash them.',
  },
  RepositoryOwnedByAnother: {
    cause: 'The owner marker in the repository directory names another cluster or policy.',
    next: 'Give the policy a repository path of its own, or set repository.adopt after you made sure that nobody else writes there.',
  },
  RepositoryIncomplete: {
    cause: 'After the upload the repository was listed again, and the new set is not whole.',
    next: 'The set does not count. Check the disk that the repository is on and who else removes files there; the next run makes a full.',
  },
  RemovalRefused: {
    cause: 'The backup host did not remove chains that retention no longer asks for, whatever it said.',
    next: 'Remove them on the backup host, or let this SSH key delete there; a host that only takes new files is pruned on the host itself (docs/retention.md).',
  },
  SourceShrunk: {
    cause:
      'The newest copy holds far less than what is stored, so nothing is removed: the source may have been emptied.',
    next: 'Look at the source. If the loss is meant, accept it with the annotation holdfast.dev/accept-shrink; if not, restore from a backup of before.',
  },
  BackupDamaged: {
    cause: 'What was fetched from the repository is not what was stored: a file is missing, cut, changed or exchanged.',
    next: 'This backup cannot be relied on. Run a full at once; then find out what changes files on the backup host.',
  },
  BackupNotLoadable: {
    cause: 'The backup was fetched whole, but the scratch server refused to load it.',
    next: 'The message has the words of the server. Run a full at once, and verify again; if it fails again, what is dumped cannot be loaded as it is.',
  },
  ContentDiffers: {
    cause: 'The backup was loaded, and then held something else than the source held when it was dumped.',
    next: 'The message names what differs. Run a full at once and verify again; do not remove older backups.',
  },
  QueryFailed: {
    cause: 'A query of spec.verification.queries had another result than expected, or could not be run.',
    next: 'Compare the query with the data; correct the policy, or treat the data as damaged.',
  },
  KeyDoesNotOpen: {
    cause: 'The private key or passphrase in the Secret does not open what is stored.',
    next: 'Put the key that belongs to encryption.gpg.publicKeySecretRef into the Secret. If it is lost, nothing stored can be read: change the key and run a full at once.',
  },
  FactsUnknown: {
    cause: 'The backup holds no facts to compare with, or not of everything, so nothing proves that it is complete.',
    next: 'The message says why they are missing: mostly a privilege of the account that dumps (docs/sources-mysql.md).',
  },
  SandboxUnavailable: {
    cause: 'The scratch server did not start, or stopped.',
    next: 'kubectl logs of the Job, container sandbox, has its last words. Check spec.verification.sandbox: image, memory, storage.',
  },
  SandboxVersionDiffers: {
    cause: 'The scratch server is of another engine or release than the source was.',
    next: 'Set spec.verification.sandbox.image to an image of the release that the message names.',
  },
  SandboxTooSmall: {
    cause: 'The scratch space is too small for the backup and the server that loads it.',
    next: 'Raise spec.verification.sandbox.storage to what the message names; for a restore onto a volume, the size of that claim.',
  },
  NothingToVerify: {
    cause: 'No set that is known to be whole is in the repository, so there is nothing to verify.',
    next: 'Run a full backup first; what failed before is in lastFailure.',
  },
  PointNotAvailable: {
    cause: 'No backup that is known to be whole holds data of the point that was asked for.',
    next: 'The message names the earliest and the latest that there are: make a request for one of them. In a new cluster, see docs/restore.md.',
  },
  SafetyCopyUnavailable: {
    cause:
      'The safety copy that is to be put back is not there, is not whole, or is none of the request that is named.',
    next: 'Nothing was touched. The message says what is the matter: name another request, or restore from a backup.',
  },
  DestinationHealthy: {
    cause:
      'Nothing is missing at the destination, so a loss cannot be seen from here, and the request does not say to replace it all the same.',
    next: 'Look at the evidence in the plan. If the data is damaged in another way, make a request with destination.inPlace.overwriteHealthy: true.',
  },
  DestinationNotEmpty: {
    cause: 'What is to be restored would overwrite something that is there.',
    next: 'Choose another name or server, or remove what the message names; to replace it, restore in place.',
  },
  DestinationUnsupported: {
    cause:
      'The destination holds something that the exchange cannot set aside whole, or cannot be written to in the way it needs.',
    next: 'Nothing was touched. Restore into a new database or onto another server, and change over by hand; the message names what it is.',
  },
  ExchangeFailed: {
    cause: 'The restored data could not take the place of the present.',
    next: 'status says what is in place now. If it was put back, all is as before: mend what the message names and ask again.',
  },
  RestoreInterrupted: {
    cause: 'The restore was killed while it replaced the data, and nobody saw what is in place now.',
    next: 'Do not start what uses it. Make the same request again: it first puts back what was there, and then restores.',
  },
  RestoreCancelled: {
    cause: 'The request was cancelled before the present data was replaced.',
    next: 'Nothing was replaced. Make another request when data is to be brought back.',
  },
  PlanOutdated: {
    cause:
      'The policy was changed after the restore was planned: the plan that was confirmed is not what would be done.',
    next: 'Make the request anew: it is planned from the policy as it is now.',
  },
  ConfirmationLapsed: {
    cause: 'Nobody confirmed the plan in time, or the confirmation lapsed before it was acted upon.',
    next: 'Make the request anew: it is planned from what is there then.',
  },
  AdmissionMissing: {
    cause:
      'The admission policies that bind a confirmation to its author are not in force as Holdfast ships them, so no confirmation can be trusted.',
    next: 'Install the chart with admission.enabled, and make request and confirmation anew: what was made without the policies does not count.',
  },
  WrongPassphrase: {
    cause: 'The passphrase or key does not open what the repository already holds.',
    next: 'Put the earlier passphrase back; for a new one give the policy a new repository path.',
  },
  KeyUnusable: {
    cause: 'The public key cannot be encrypted to: expired, revoked, or of a form that gpg does not take.',
    next: 'Put a valid public key into the Secret named by encryption.gpg.publicKeySecretRef.',
  },
  ArchiveToolFailed: {
    cause: 'duplicity reported an error of another kind.',
    next: 'Read the log of the Job; the message has its last words.',
  },
  DeadlineExceeded: {
    cause: 'The run took longer than its deadline and was stopped.',
    next: 'See in the log where the time went; raise the deadline or the resources.',
  },
  WindowExceeded: {
    cause: 'The dump was stopped when the window closed, or was not begun since it was closed.',
    next: 'Widen schedule.window, start dumps earlier in it, or set schedule.window.enforce to false: then it is only reported.',
  },
  Interrupted: {
    cause: 'The pod was told to stop before the run was done.',
    next: 'Nothing of this run counts; the next run begins anew.',
  },
  OutOfMemory: {
    cause: 'The kernel stopped a container for want of memory.',
    next: 'Give the pods more memory.',
  },
  ImageUnavailable: {
    cause: 'The image of a container could not be pulled.',
    next: 'Check the operator’s image settings and the registry.',
  },
  PodLost: {
    cause: 'The pod ended without a result: evicted, killed, or its node was lost.',
    next: 'Look at the node and the Events of the pod.',
  },
  ResultMissing: {
    cause: 'The Job says it is complete, but there is no valid result, so nothing is proven.',
    next: 'Read the log of the Job; check that operator and agent images are of the same version.',
  },
  InternalError: {
    cause: 'An error that Holdfast did not foresee.',
    next: 'Read the log of the Job and report it.',
  },
} as const satisfies Record<string, Entry>;

export type FailureReason = keyof typeof catalogue;

export const failureReasons = Object.keys(catalogue) as [FailureReason, ...FailureReason[]];
