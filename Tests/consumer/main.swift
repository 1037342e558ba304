import PenchantKernels
print("trained on \(Team.size) threads")
