/// A SASRec that has not been trained.
public typealias SASRec = SequenceModel<SASRecConfiguration>
/// A trained SASRec.
public typealias FittedSASRec = FittedSequenceModel<SASRecConfiguration>
